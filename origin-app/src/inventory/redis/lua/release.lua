-- release: gives the seats of a fan's hold back. A hold that is paid for, or over, stays as it is.
--
-- ARGV[2..3]  reservation, fan
-- Reply       its line then, or nil where this fan has none
-- Cost        O(seats of the hold)

if not is_loaded() then return not_loaded() end
local holding = find(ARGV[2])
if not holding or holding.fan ~= ARGV[3] then return false end
if holding.state == 'held' then
  close(holding, holding.until_ms <= now and 'expired' or 'released')
end
return text_of(holding)
