-- survey: all of an event, to see whether it agrees with itself.
--
-- Reply       {{reservation, its line, …}, {seat, reservation, …}, {{section, highest number given, {numbers that came back}}, …}}
-- Cost        O(reservations and seats taken)

if not is_loaded() then return not_loaded() end
local sections, general = {}, redis.call('HGETALL', GENERAL)
for i = 1, #general, 2 do
  sections[#sections + 1] = { general[i], general[i + 1], redis.call('LRANGE', free_key(general[i]), 0, -1) }
end
return { redis.call('HGETALL', HOLDS), redis.call('HGETALL', TAKEN), sections }
