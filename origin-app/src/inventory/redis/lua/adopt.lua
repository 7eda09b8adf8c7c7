-- adopt: all that is one fan's is another's from now on, as when a guest logs in.
--
-- ARGV[2..3]  the guest, the fan
-- Reply       how many reservations
-- Cost        O(reservations of the guest)

if not is_loaded() then return not_loaded() end
local guest, fan, adopted = ARGV[2], ARGV[3], 0
local list = redis.call('HGET', FANS, 'f:' .. guest) or ''
redis.call('HDEL', FANS, 'f:' .. guest)
for id, seats in string.gmatch(list, '(%S+)=(%d+)') do
  local holding = find(id)
  if holding then
    holding.rest = fan .. string.sub(holding.rest, #guest + 1)
    save(holding)
    note('f:' .. fan, id, tonumber(seats))
    adopted = adopted + 1
  end
end
return adopted
