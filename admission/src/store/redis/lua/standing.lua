-- Where tickets stand: shared by the verbs that tell it.

-- Where a ticket stands, as kind and values. Ranks come and stay as strings of digits.
local WAITING, TURN, ACTIVE_STANDING, ENDED_STANDING, UNKNOWN = 0, 1, 2, 3, 4

-- Whether a rank is above all that this line gave: one that was lost gave it, of which nobody remembered how far its
-- ranks ran ahead of the clock.
local function is_beyond(state, lane, rank)
  return tonumber(rank) >= number(state, 'next:' .. lane)
end

local function standing(state, lane, rank, id)
  local until_ms = redis.call('ZSCORE', ACTIVE, id)
  if until_ms then return ACTIVE_STANDING, tonumber(until_ms), tonumber(redis.call('HGET', ADMITTED, id) or '0') end
  if redis.call('ZSCORE', ENDED, id) then return ENDED_STANDING, 0 end
  if not state['next:' .. lane] then return ENDED_STANDING, 0 end
  until_ms = turn_until(lane, rank)
  if until_ms then return TURN, tonumber(until_ms) end
  if is_waiting(lane, rank) or redis.call('ZSCORE', passed_key(lane), rank) then return WAITING, 0 end
  if is_beyond(state, lane, rank) or may_have_forgotten(state, rank) then return UNKNOWN, 0 end
  return ENDED_STANDING, 0
end

-- The answer of every verb that tells where tickets stand: kind, value, value for each.
local function standings(state, from)
  local answer = {}
  each_place(from, function(lane, rank, id)
    local kind, value, other = standing(state, lane, rank, id)
    answer[#answer + 1] = kind
    answer[#answer + 1] = kind == WAITING and count_below(lane, rank) or value
    answer[#answer + 1] = other or 0
  end)
  return answer
end
