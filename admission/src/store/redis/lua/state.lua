-- The room's state: read at the beginning of every verb, and put right where another server took it over.

-- The server that runs this: another process, or a replica that was promoted, has another id.
local function server_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end

-- The lowest rank that may be given now in a lane that gave none yet.
local function least_rank(state)
  return first_rank_of(now) + number(state, 'lead')
end

-- Notes that ranks from one on, up to but without another, may be forgotten. Of too many such stretches the two
-- oldest become one.
local function forget(state, from, to)
  local ranges = {}
  for first, beyond in string.gmatch(state.forgotten or '', '(%d+)-(%d+)') do
    ranges[#ranges + 1] = { tonumber(first), tonumber(beyond) }
  end
  ranges[#ranges + 1] = { from, to }
  if #ranges > FORGOTTEN_MAX then
    local oldest = table.remove(ranges, 1)
    ranges[1] = { math.min(oldest[1], ranges[1][1]), math.max(oldest[2], ranges[1][2]) }
  end
  for at, range in ipairs(ranges) do ranges[at] = exact(range[1]) .. '-' .. exact(range[2]) end
  state.forgotten = table.concat(ranges, ' ')
  redis.call('HSET', room, 'forgotten', state.forgotten)
end

-- Whether a ticket of this rank may have been in the line, which does not know it any more. Ranks given afterwards, the
-- odd ones that were not drawn, say when a fan came, not when they were given: every older one may have been in the
-- missing stretch.
local function may_have_forgotten(state, rank)
  rank = tonumber(rank)
  if rank < number(state, 'reset_below') then return false end
  -- Longer than this nobody remembers who has been in.
  if rank < first_rank_of(now - ENDED_MEMORY_MS) then return false end
  local last = 0
  for first, beyond in string.gmatch(state.forgotten, '(%d+)-(%d+)') do
    last = tonumber(beyond)
    if tonumber(first) <= rank and rank < last then return true end
  end
  local prequeue_at, opens_at = number(state, 'prequeue_at'), number(state, 'opens_at')
  local is_drawn = prequeue_at > 0 and first_rank_of(prequeue_at) <= rank and rank < first_rank_of(opens_at)
  return rank % 2 == 1 and rank < last and not is_drawn
end

-- Notes that ranks of the draw may be forgotten, if any were given between two moments.
local function forget_the_draw(state, known_until)
  local prequeue_at, opens_at = number(state, 'prequeue_at'), number(state, 'opens_at')
  if prequeue_at > 0 and prequeue_at <= now and known_until < opens_at then
    forget(state, first_rank_of(prequeue_at), first_rank_of(opens_at))
  end
end

local function set(state, field, value)
  state[field] = value
  redis.call('HSET', room, field, value)
end

-- Goes on with ranks from `least` on, for those below it were given by a line that was lost: they may be forgotten.
local function rise(state, least)
  local from
  for _, lane in ipairs(known_lanes(state)) do
    local next_rank = number(state, 'next:' .. lane)
    if next_rank < least then
      from = math.min(from or next_rank, next_rank)
      set(state, 'next:' .. lane, least)
    end
  end
  if from then
    forget(state, from, least)
    set(state, 'lead', math.max(number(state, 'lead'), least - first_rank_of(now)))
  end
end

-- Voids the admissions up to a moment, if they are not yet: their sessions are over. How many there were.
local function void(state, before)
  before = math.max(before, number(state, 'voided_before'))
  set(state, 'voided_before', before)
  local admitted, over = redis.call('HGETALL', ADMITTED), {}
  for i = 1, #admitted, 2 do
    if tonumber(admitted[i + 1]) <= before then over[#over + 1] = admitted[i] end
  end
  table.sort(over)
  call_many('ZREM', ACTIVE, over)
  call_many('HDEL', ADMITTED, over)
  add_ended(over)
  return #over
end

-- When somebody who is admitted now is: after everything that was voided, whatever the clock says.
local function admission_time(state)
  return math.max(now, number(state, 'voided_before') + 1)
end

-- Goes on with a line that may have lost what happened lately: since permits last gathered, which every drain
-- does. Nobody is admitted until those who know more have told it; no rank of before is given again; and no
-- permit is left, for it may have been used.
local function resume(state, server)
  local known_until = number(state, 'gathered_at')
  local from = first_rank_of(known_until) + number(state, 'lead')
  set(state, 'lead', number(state, 'lead') + TAKEOVER_LEAD)
  local to = least_rank(state)
  for _, lane in ipairs(known_lanes(state)) do
    local next_rank = math.max(number(state, 'next:' .. lane), least_rank(state))
    set(state, 'next:' .. lane, next_rank)
    to = math.max(to, next_rank)
  end
  forget(state, from, to)
  forget_the_draw(state, known_until)
  set(state, 'units', 0)
  set(state, 'gathered_at', now)
  set(state, 'hold_until', now + number(state, 'recovery_grace'))
  set(state, 'resumed_at', math.max(now, number(state, 'resumed_at') + 1))
  set(state, 'shows_after', own_time)
  set(state, 'server', server)
end

-- Whether the opening that the rules name has been: the seed of its draw is public.
local function is_revealed(state)
  local prequeue_at = number(state, 'prequeue_at')
  return prequeue_at > 0 and prequeue_at <= number(state, 'revealed')
end

-- Takes notice of an opening. One that has been stays, whatever a clock that is behind says or rules that put it off:
-- otherwise fans would be drawn with a seed that everybody knows.
local function note_opening(state)
  if is_revealed(state) then
    state.opens_at = exact(math.min(number(state, 'opens_at'), now))
  elseif number(state, 'prequeue_at') > 0 and has_come(state, 'opens_at') then
    set(state, 'revealed', state.prequeue_at)
  end
end

-- Takes notice of the time. While nobody asked for turns for longer than edges do, the store was out of reach, and so
-- no fan could show: that time counts neither against their presence nor against their right to return.
local function listen(state)
  local silence = now - math.max(number(state, 'gathered_at'), number(state, 'awake_at'))
  if silence > SILENCE_MS then
    set(state, 'silent', number(state, 'silent') + silence)
    set(state, 'awake_at', now)
    set(state, 'silence', silence)
  end
  own_time = now - number(state, 'silent')
end

-- The room's hash as a table of strings, or nil when there is no such room.
local function load_state()
  local flat = redis.call('HGETALL', room)
  if #flat == 0 then return nil end
  local state = {}
  for i = 1, #flat, 2 do state[flat[i]] = flat[i + 1] end
  listen(state)
  local server = server_id()
  if state.server ~= server then resume(state, server) end
  note_opening(state)
  return state
end
