-- snapshot: what a proxy needs to know of the room, once per tick, for any number of fans.
--
-- ARGV[2]     revision of the rules that the caller knows; they are told only when another is in force
-- ARGV[3]     mark up to which the caller knows the ended sessions
-- ARGV[4]     most ended sessions to tell
-- Reply       {now, born_at, first_rank, revision, rules or '', hold_until, active, turns, joined_total,
--             admitted_total, {ended ids}, ended mark, then for each lane {name, cursor, next rank, horizon or
--             -1, waiting, {rank at depth 0, 1, 2 … as position.rs steps}}}
-- Cost        O(rungs · log waiting): about a thousand rungs at a million waiting

local state = load_state()
if not state then return unknown_room() end
expire(state)

local EXACT_DEPTH = 100
local horizon_depth = 4000 + math.floor(number(state, 'drain_per_minute') / 60) * 8

local ended, mark = {}, tonumber(ARGV[3])
local later = redis.call('ZRANGEBYSCORE', ENDED, '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[4])
for i = 1, #later, 2 do
  ended[#ended + 1] = later[i]
  mark = tonumber(later[i + 1])
end

local answer = {
  now, number(state, 'born_at'), number(state, 'first_rank'), number(state, 'revision'),
  state.revision ~= ARGV[2] and state.rules or '',
  number(state, 'hold_until'), redis.call('ZCARD', ACTIVE), count_turns(state),
  number(state, 'joined_total'), number(state, 'admitted_total'), ended, mark,
}

for _, lane in ipairs(lanes_of(state)) do
  local key = waiting_key(lane.name)
  local waiting = redis.call('ZCARD', key)
  local rungs = redis.call('ZRANGE', key, 0, EXACT_DEPTH - 1)
  local depth = EXACT_DEPTH
  while depth < waiting do
    rungs[#rungs + 1] = redis.call('ZRANGE', key, depth, depth)[1]
    depth = depth + math.floor(depth / 100)
  end
  answer[#answer + 1] = {
    lane.name, number(state, 'cursor:' .. lane.name), number(state, 'next:' .. lane.name),
    tonumber(redis.call('ZRANGE', key, horizon_depth, horizon_depth)[1] or '-1'), waiting, rungs,
  }
end
return answer
