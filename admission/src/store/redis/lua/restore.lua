-- restore: puts back, each at its rank, tickets that this line may have forgotten; tells where all stand.
--
-- The first of them begins a time in which nobody is admitted, so that those in front are back before turns
-- are given.
--
-- ARGV[2..]   lane, rank, id for each ticket
-- Reply       as look
-- Cost        O(tickets · log waiting)

local state = load_state()
if not state then return unknown_room() end

each_place(2, function(lane, rank, id)
  if standing(state, lane, rank, id) ~= UNKNOWN then return end
  if number(state, 'hold_until') == 0 then
    state.hold_until = now + number(state, 'recovery_grace')
    redis.call('HSET', room, 'hold_until', state.hold_until)
  end
  -- Well above it, for others may have had ranks near; and even, like every rank that is given in order.
  if is_beyond(state, lane, rank) then rise(state, rank + 2 - rank % 2 + UNSEEN_LEAD) end
  put(state, lane, rank)
end)
return standings(state, 2)
