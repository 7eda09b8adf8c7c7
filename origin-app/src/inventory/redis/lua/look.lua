-- look: what is known of a reservation.
--
-- ARGV[2]     reservation
-- Reply       its line, or nil
-- Cost        O(1)

if not is_loaded() then return not_loaded() end
return redis.call('HGET', HOLDS, ARGV[2])
