-- Steps that several verbs share.

local GROUP = 'shop'
local DAY_MS = 24 * 60 * 60 * 1000
-- Arguments of one command: well below what Lua can unpack.
local CHUNK = 1000

local function exact(number)
  return string.format('%d', number)
end

-- Calls a command with any number of arguments, in pieces of whole pairs.
local function call_many(command, key, arguments)
  for from = 1, #arguments, CHUNK do
    redis.call(command, key, unpack(arguments, from, math.min(from + CHUNK - 1, #arguments)))
  end
end

-- Another process, or a replica that was promoted, has another id, and may have lost what happened last.
local function is_loaded()
  return redis.call('HGET', FANS, 'server') == process
end

-- Whose turn it is, of an event that nobody loads, is not kept for ever.
local function forget_unless_loaded()
  if redis.call('HEXISTS', FANS, 'server') == 0 then redis.call('PEXPIRE', event, DAY_MS) end
end

local function not_loaded()
  return redis.error_reply('NOTLOADED the event is not loaded')
end

local function free_key(section) return event .. ':free:' .. section end

-- Section and number of a seat that is one of many alike.
local function number_of(seat)
  local section, number = string.match(seat, '^(.*)%-(%d+)$')
  return section, tonumber(number)
end

local function parse(id, text)
  local state, until_ms, since, rest = string.match(text, '^(%a+) (%d+) (%d+) (.+)$')
  local fan, ticket, seats = string.match(rest, '^(%S+) (%S+) %S+ %S+ (%S+)$')
  return {
    id = id, state = state, until_ms = tonumber(until_ms), since = tonumber(since), rest = rest,
    fan = fan, ticket = ticket, seats = seats,
  }
end

-- What is known of a reservation, or nil.
local function find(id)
  local text = redis.call('HGET', HOLDS, id)
  return text and parse(id, text) or nil
end

local function text_of(holding)
  return holding.state .. ' ' .. exact(holding.until_ms) .. ' ' .. exact(holding.since) .. ' ' .. holding.rest
end

local function save(holding)
  redis.call('HSET', HOLDS, holding.id, text_of(holding))
end

-- Tells the database. When it happened stands in the line: since then it is so.
local function tell(holding)
  redis.call('XADD', LOG, '*', 'id', holding.id, 'line', text_of(holding))
end

local function has_seats(holding)
  return holding.state == 'held' or holding.state == 'kept' or holding.state == 'sold'
end

-- The seats of a holding: {id, whether it is one of many alike}.
local function seats_of(holding)
  local seats = {}
  for id, general in string.gmatch(holding.seats, '([^:,]+):%d+:%d+(g?)') do
    seats[#seats + 1] = { id = id, general = general == 'g' }
  end
  return seats
end

-- What of a list `<reservation>=<seats> …` is another reservation's.
local function others(list, id)
  local kept = {}
  for entry in string.gmatch(list, '%S+') do
    if string.sub(entry, 1, #id) ~= id then kept[#kept + 1] = entry end
  end
  return kept
end

local function note(field, id, seats)
  local list = others(redis.call('HGET', FANS, field) or '', id)
  if seats then list[#list + 1] = id .. '=' .. exact(seats) end
  if #list > 0 then
    redis.call('HSET', FANS, field, table.concat(list, ' '))
  else
    redis.call('HDEL', FANS, field)
  end
end

-- Counts the seats of a holding against its fan and ticket; nil forgets that it ever was.
local function charge(holding, seats)
  note('f:' .. holding.fan, holding.id, seats)
  if holding.ticket ~= '-' then
    if seats == 0 then seats = nil end
    note('t:' .. holding.ticket, holding.id, seats)
  end
end

-- Makes the seats of a holding free.
local function give_back(holding)
  for _, seat in ipairs(seats_of(holding)) do
    if redis.call('HGET', TAKEN, seat.id) == holding.id then
      redis.call('HDEL', TAKEN, seat.id)
      if seat.general then
        local section, number = number_of(seat.id)
        redis.call('RPUSH', free_key(section), number)
      end
    end
  end
  redis.call('ZREM', EXPIRY, holding.id)
end

local function set_state(holding, state)
  holding.state, holding.since = state, now
end

-- Ends a holding. It stays known until the database knows.
local function close(holding, state)
  give_back(holding)
  set_state(holding, state)
  charge(holding, 0)
  save(holding)
  tell(holding)
end

-- Ends holds whose time is over, the oldest first. How many.
local function lapse(limit)
  local ids = redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', exact(now), 'LIMIT', 0, limit)
  for _, id in ipairs(ids) do
    local holding = find(id)
    if holding and holding.state == 'held' then
      close(holding, 'expired')
    else
      redis.call('ZREM', EXPIRY, id)
    end
  end
  return #ids
end

-- Takes a seat that is one of many alike off those that are free.
local function take_number(seat)
  local section, number = number_of(seat)
  local given = tonumber(redis.call('HGET', GENERAL, section) or '0')
  if number <= given then
    redis.call('LREM', free_key(section), 1, number)
    return
  end
  local between = {}
  for skipped = given + 1, number - 1 do between[#between + 1] = skipped end
  call_many('RPUSH', free_key(section), between)
  redis.call('HSET', GENERAL, section, number)
end

-- Writes down a holding that the database knows. A payment or a sale wins over whoever else has its seats, a hold
-- over nobody. Whether it has its seats then.
local function put(holding)
  local seats, rivals = seats_of(holding), {}
  for _, seat in ipairs(seats) do
    local owner = redis.call('HGET', TAKEN, seat.id)
    if owner and owner ~= holding.id then
      if holding.state == 'held' then return false end
      rivals[#rivals + 1] = owner
    end
  end
  for _, id in ipairs(rivals) do
    local rival = find(id)
    if rival and has_seats(rival) then close(rival, 'expired') end
  end
  local before = find(holding.id)
  for _, seat in ipairs(seats) do
    if redis.call('HGET', TAKEN, seat.id) ~= holding.id then
      if seat.general then take_number(seat.id) end
      redis.call('HSET', TAKEN, seat.id, holding.id)
    end
  end
  if holding.state == 'held' then
    redis.call('ZADD', EXPIRY, exact(holding.until_ms), holding.id)
  elseif before then
    redis.call('ZREM', EXPIRY, holding.id)
  end
  save(holding)
  charge(holding, #seats)
  return true
end
