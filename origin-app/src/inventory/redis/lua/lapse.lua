-- lapse: ends holds whose time is over, the oldest first.
--
-- ARGV[2]     most holds
-- Reply       how many
-- Cost        O(their seats)

if not is_loaded() then return not_loaded() end
return lapse(tonumber(ARGV[2]))
