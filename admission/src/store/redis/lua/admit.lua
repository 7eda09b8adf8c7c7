-- admit: gives turns out of order, to those who wait or were passed over, as far as there is room inside.
--
-- ARGV[2..]   lane, rank, id for each ticket
-- Reply       as look
-- Cost        O(tickets · log waiting)

local CALLED_MAX = 100

local state = load_state()
if not state then return unknown_room() end

expire(state)
gather(state)
local called = {}
for lane, rank in string.gmatch(state.called or '', '([^= ]+)=(%d+)') do
  if turn_until(lane, rank) then called[#called + 1] = lane .. '=' .. rank end
end
local phase_now = phase(state)
local left = room_left(state)
local units, given = state.units, 0
local until_ms = exact(now + number(state, 'claim_window'))
each_place(2, function(lane, rank, id)
  if (phase_now ~= 'open' and phase_now ~= 'paused') or left <= 0 or not state['next:' .. lane] then return end
  if redis.call('ZSCORE', ENDED, id) then return end
  local waits = is_waiting(lane, rank)
  if not waits and not redis.call('ZSCORE', passed_key(lane), rank) then return end
  remove(lane, rank)
  redis.call('ZREM', passed_key(lane), rank)
  redis.call('ZADD', late_key(lane), until_ms, rank)
  units, left, given = math.max(0, units - UNITS_PER_PERMIT), left - 1, given + 1
  called[#called + 1] = lane .. '=' .. rank
end)
while #called > CALLED_MAX do table.remove(called, 1) end
set(state, 'called', table.concat(called, ' '))
set_units(state, units)
redis.call('HINCRBY', room, 'admitted_total', given)
redis.call('HINCRBY', room, 'admitted_by_hand', given)
return standings(state, 2)
