-- sell: the seats are paid.
--
-- ARGV[2]     reservation
-- Reply       1, or 0 where the seats are not written down as its own
-- Cost        O(1)

if not is_loaded() then return not_loaded() end
local holding = find(ARGV[2])
if not holding or not has_seats(holding) then return 0 end
if holding.state ~= 'sold' then
  set_state(holding, 'sold')
  redis.call('ZREM', EXPIRY, holding.id)
  save(holding)
  tell(holding)
end
return 1
