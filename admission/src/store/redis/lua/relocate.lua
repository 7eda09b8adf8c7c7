-- relocate: moves a place that waits, or was passed over, to another lane or behind another place.
--
-- ARGV[2..4]  lane, rank, id of the place
-- ARGV[5..7]  the lane that it moves to; the rank that it is to stand behind, or '' for the end; the id of the new ticket
-- Reply       its rank then; nothing where it cannot be moved
-- Cost        O(log waiting)

local RELOCATED_MAX = 100

local state = load_state()
if not state then return unknown_room() end

expire(state)
local from_lane, from_rank, from_id, lane, behind, id = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local before = from_lane .. ' ' .. from_rank .. ' ' .. from_id
for _, known in ipairs(redis.call('LRANGE', RELOCATED, 0, -1)) do
  local was, rank, is = string.match(known, '^(%S+ %d+ %S+) %S+ (%d+) (%S+)$')
  if was == before and is == id then return tonumber(rank) end
end

local named = false
for _, known in ipairs(lanes_of(state)) do named = named or known.name == lane end
local stands = state['next:' .. from_lane] and not redis.call('ZSCORE', ENDED, from_id)
  and (is_waiting(from_lane, from_rank) or redis.call('ZSCORE', passed_key(from_lane), from_rank))
if not named or not stands or phase(state) == 'prequeue' then return nil end

remove(from_lane, from_rank)
redis.call('ZREM', passed_key(from_lane), from_rank)
redis.call('ZREM', ACTIVE, from_id)
redis.call('HDEL', ADMITTED, from_id)
add_ended({ from_id })

local next_rank = number(state, 'next:' .. lane)
local rank
if behind == '' then
  rank = math.max(next_rank, least_rank(state))
  set(state, 'next:' .. lane, rank + 2)
else
  rank = math.max(number(state, 'cursor:' .. lane), tonumber(behind)) + 1
  if rank % 2 == 0 then rank = rank + 1 end
  while has(lane, rank) do rank = rank + 2 end
  set(state, 'next:' .. lane, math.max(next_rank, rank + 1))
end
-- Not seen yet: their page follows within moments, and a turn is for who is there.
add(lane, exact(rank))
redis.call('RPUSH', RELOCATED, before .. ' ' .. lane .. ' ' .. exact(rank) .. ' ' .. id)
redis.call('LTRIM', RELOCATED, -RELOCATED_MAX, -1)
return rank
