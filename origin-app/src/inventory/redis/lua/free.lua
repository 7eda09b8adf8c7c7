-- free: the seats of a payment or a sale are free again, and count against nobody.
--
-- ARGV[2]     reservation
-- Reply       1, or 0 where it had none
-- Cost        O(its seats)

if not is_loaded() then return not_loaded() end
local holding = find(ARGV[2])
if not holding or not has_seats(holding) then return 0 end
give_back(holding)
charge(holding, nil)
redis.call('HDEL', HOLDS, holding.id)
set_state(holding, 'freed')
tell(holding)
return 1
