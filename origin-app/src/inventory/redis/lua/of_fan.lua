-- of_fan: what is known of a fan's reservations, those that are over until the database knows.
--
-- ARGV[2]     fan
-- Reply       {reservation, its line, …}
-- Cost        O(reservations of the fan)

if not is_loaded() then return not_loaded() end
local answer = {}
for id in string.gmatch(redis.call('HGET', FANS, 'f:' .. ARGV[2]) or '', '(%S+)=') do
  local line = redis.call('HGET', HOLDS, id)
  if line then
    answer[#answer + 1] = id
    answer[#answer + 1] = line
  end
end
return answer
