-- hold: holds all of the asked seats or none, and tells the log. Asking again with the same reservation changes nothing.
--
-- This is what a sale waits for, so it does without what most asks do not need: the shared steps are made (`steps`) when
-- somebody is in the way or places without numbers are asked for, and lapsed holds are looked for when somebody is.
--
-- ARGV[2..6]  reservation, fan, ticket or `-`, ms that the hold lasts, most seats of a fan
-- ARGV[7]     currency and named seats as in :holds: `<currency> <id>:<price>:<place>[g],…`
-- ARGV[8]     how many of the named seats are one of many alike (`g`)
-- ARGV[9]     how many sections without numbers follow: name, price, place of number 0, quantity, capacity for each
-- ARGV[..]    the named seats' ids
-- Reply       the time, where they are held as asked from then on | `held <line>` | `limit <seats that the fan has>` |
--             `taken <seat> …` | `sold_out <section>`
-- Cost        O(asked seats), and O(1) for each lapsed hold that is ended in passing

local id, fan, ticket, words = ARGV[2], ARGV[3], ARGV[4], ARGV[7]
local by_fan, by_ticket = 'f:' .. fan, 't:' .. ticket
-- What counts against fan and ticket: read once, and written once with what is held now.
local counts

local function count()
  counts = redis.call('HMGET', FANS, 'server', by_fan, by_ticket)
end

count()
if counts[1] ~= process then return redis.error_reply('NOTLOADED the event is not loaded') end
if counts[2] and string.find(counts[2], id, 1, true) then
  local line = redis.call('HGET', HOLDS, id)
  if line then return 'held ' .. line end
end

local sections, first = {}, 10
for i = 1, tonumber(ARGV[9]) do
  sections[i] = {
    name = ARGV[first], price = ARGV[first + 1], place = tonumber(ARGV[first + 2]),
    quantity = tonumber(ARGV[first + 3]), capacity = tonumber(ARGV[first + 4]),
  }
  first = first + 5
end
local ids = { unpack(ARGV, first) }
local asked = #ids
for _, section in ipairs(sections) do asked = asked + section.quantity end

local lapse, take_number, number_of, free_key
local numbers, named = {}, {}
if #sections > 0 or ARGV[8] ~= '0' then
  lapse, take_number, number_of, free_key = steps()
  for seat in string.gmatch(words, '([^:, ]+):%d+:%d+g') do
    numbers[#numbers + 1] = seat
    local section = number_of(seat)
    named[section] = (named[section] or 0) + 1
  end
end

-- The seats of a list `<reservation>=<seats> …`, or of none.
local function sum(list)
  local seats = 0
  for number in string.gmatch(list or '', '=(%d+)') do seats = seats + number end
  return seats
end

local function refusal()
  local has = (counts[2] or counts[3]) and math.max(sum(counts[2]), sum(counts[3])) or 0
  if has + asked > tonumber(ARGV[6]) then return 'limit ' .. has end
  if #ids > 0 then
    local taken
    local owners = redis.call('HMGET', TAKEN, unpack(ids))
    for i = 1, #ids do
      if owners[i] then taken = (taken or 'taken') .. ' ' .. ids[i] end
    end
    if taken then return taken end
  end
  for _, section in ipairs(sections) do
    local given = tonumber(redis.call('HGET', GENERAL, section.name) or '0')
    local returned = redis.call('LLEN', free_key(section.name))
    local wanted = section.quantity + (named[section.name] or 0)
    if returned + section.capacity - given < wanted then return 'sold_out ' .. section.name end
  end
end

local refused = refusal()
-- What has lapsed stands in nobody's way, however much it is.
while refused do
  if not redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', now, 'LIMIT', 0, 1)[1] then return refused end
  if not lapse then lapse, take_number, number_of, free_key = steps() end
  lapse(LAPSE_MAX)
  count()
  refused = refusal()
end

for _, seat in ipairs(numbers) do take_number(seat) end
local separator = #ids > 0 and ',' or ''
for _, section in ipairs(sections) do
  for _ = 1, section.quantity do
    local number = redis.call('LPOP', free_key(section.name))
    number = tonumber(number) or redis.call('HINCRBY', GENERAL, section.name, 1)
    local seat = section.name .. '-' .. string.format('%d', number)
    ids[#ids + 1] = seat
    words = words .. separator .. seat .. ':' .. section.price .. ':'
      .. string.format('%dg', section.place + number)
    separator = ','
  end
end
local owners = {}
for i = 1, #ids do
  owners[2 * i - 1] = ids[i]
  owners[2 * i] = id
end
redis.call('HSET', TAKEN, unpack(owners))
local at, till = string.format('%d', now), string.format('%d', now + ARGV[5])
local line = 'held ' .. till .. ' ' .. at .. ' ' .. fan .. ' ' .. ticket .. ' ' .. at .. ' ' .. words
redis.call('HSET', HOLDS, id, line)
redis.call('ZADD', EXPIRY, till, id)
local own = id .. '=' .. asked
local of_fan = counts[2] and counts[2] .. ' ' .. own or own
if ticket == '-' then
  redis.call('HSET', FANS, by_fan, of_fan)
else
  redis.call('HSET', FANS, by_fan, of_fan, by_ticket, counts[3] and counts[3] .. ' ' .. own or own)
end
redis.call('XADD', LOG, '*', 'id', id, 'line', line)
if #sections > 0 then return 'held ' .. line end
return now
