-- snapshot: what a proxy needs to know of the room, once per tick, for any number of fans.
--
-- ARGV[2]     revision of the rules that the caller knows; they are told only when another is in force
-- ARGV[3]     mark up to which the caller knows the ended sessions
-- ARGV[4]     most ended sessions to tell
-- Reply       {now, resumed_at, forgotten, lead, revision, rules or '', hold_until, rate, active, turns, joined_total,
--             admitted_total, lapsed_total, voided_before, revealed, {ended ids}, ended mark, reset_at, reset_below,
--             admitted by hand, turns out of order (`<lane>=<rank>` separated by spaces), places that were moved
--             (`<lane> <rank> <id>` of before and of now), then for each lane {name, cursor, next rank,
--             horizon or -1, waiting, {rank, ahead for each rung}}}
-- Cost        O(chunks + rungs): two thousand of each at a million waiting

local state = load_state()
if not state then return unknown_room() end
expire(state)

local ended, mark = {}, tonumber(ARGV[3])
local later = redis.call('ZRANGEBYSCORE', ENDED, '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[4])
for i = 1, #later, 2 do
  ended[#ended + 1] = later[i]
  mark = tonumber(later[i + 1])
end

local called = {}
for lane, rank in string.gmatch(state.called or '', '([^= ]+)=(%d+)') do
  if turn_until(lane, rank) then called[#called + 1] = lane .. '=' .. rank end
end

local answer = {
  now, number(state, 'resumed_at'), state.forgotten, number(state, 'lead'), number(state, 'revision'),
  state.revision ~= ARGV[2] and state.rules or '',
  number(state, 'hold_until'), number(state, 'rate'), redis.call('ZCARD', ACTIVE), count_turns(state),
  number(state, 'joined_total'), number(state, 'admitted_total'), number(state, 'lapsed_total'),
  number(state, 'voided_before'), number(state, 'revealed'), ended, mark, number(state, 'reset_at'), number(state, 'reset_below'),
  number(state, 'admitted_by_hand'), table.concat(called, ' '), redis.call('LRANGE', RELOCATED, 0, -1),
}

for _, lane in ipairs(lanes_of(state)) do
  local rungs, horizon, waiting = ladder(state, lane.name, horizon_depth(state))
  set(state, 'horizon:' .. lane.name, horizon)
  answer[#answer + 1] = {
    lane.name, number(state, 'cursor:' .. lane.name), number(state, 'next:' .. lane.name), horizon, waiting, rungs,
  }
end
return answer
