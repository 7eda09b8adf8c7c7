-- retire: the event is over, so all that is kept of it goes after a while. Said again, it does not last longer.
--
-- ARGV[2]     ms until then
-- Reply       1 where there is nothing left, or 0
-- Cost        O(1), and O(1) for each section without numbers

local keys = { TAKEN, HOLDS, EXPIRY, FANS, GENERAL, LOG, DEAD }
for _, section in ipairs(redis.call('HKEYS', GENERAL)) do keys[#keys + 1] = free_key(section) end
local left = 0
for _, key in ipairs(keys) do
  redis.call('PEXPIRE', key, ARGV[2], 'NX')
  left = left + redis.call('EXISTS', key)
end
redis.call('PEXPIRE', event, ARGV[2], 'NX')
if left > 0 or is_loaded() then return 0 end
redis.call('DEL', event)
return 1
