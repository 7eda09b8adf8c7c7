-- hold: holds all of the asked seats or none, and tells the log. Asking again with the same reservation changes nothing.
--
-- ARGV[2..7]  reservation, fan, ticket or `-`, ms that the hold lasts, most seats of a fan, currency
-- ARGV[8]     how many sections without numbers follow: name, price, place of number 0, quantity, capacity for each
-- ARGV[..]    the named seats: <id>:<price>:<place>, and a `g` where it is one of many alike
-- Reply       {'held', line} | {'limit', seats that the fan has} | {'taken', seat…} | {'sold_out', section}
-- Cost        O(asked seats), and O(1) for each lapsed hold that is ended in passing

if not is_loaded() then return not_loaded() end
local id, fan, ticket, limit = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[6])

local before = find(id)
if before and before.fan == fan then return { 'held', text_of(before) } end

local sections, from = {}, 9
for _ = 1, tonumber(ARGV[8]) do
  sections[#sections + 1] = {
    name = ARGV[from], price = ARGV[from + 1], place = tonumber(ARGV[from + 2]),
    quantity = tonumber(ARGV[from + 3]), capacity = tonumber(ARGV[from + 4]),
  }
  from = from + 5
end
local words, ids, numbers, named = {}, {}, {}, {}
for i = from, #ARGV do
  words[#words + 1] = ARGV[i]
  ids[#ids + 1] = string.match(ARGV[i], '^[^:]+')
  if string.sub(ARGV[i], -1) == 'g' then
    local section = number_of(ids[#ids])
    numbers[#numbers + 1] = ids[#ids]
    named[section] = (named[section] or 0) + 1
  end
end
local asked = #ids
for _, section in ipairs(sections) do asked = asked + section.quantity end

-- What counts against fan and ticket: read once, and written once with what is held now.
local by_fan, by_ticket = 'f:' .. fan, 't:' .. ticket
local counts

local function refusal()
  counts = redis.call('HMGET', FANS, by_fan, by_ticket)
  local has = math.max(sum(counts[1]), ticket ~= '-' and sum(counts[2]) or 0)
  if has + asked > limit then return { 'limit', has } end
  if #ids > 0 then
    local taken = { 'taken' }
    for i, owner in ipairs(redis.call('HMGET', TAKEN, unpack(ids))) do
      if owner then taken[#taken + 1] = ids[i] end
    end
    if #taken > 1 then return taken end
  end
  for _, section in ipairs(sections) do
    section.given = tonumber(redis.call('HGET', GENERAL, section.name) or '0')
    section.returned = redis.call('LLEN', free_key(section.name))
    local wanted = section.quantity + (named[section.name] or 0)
    if section.returned + section.capacity - section.given < wanted then
      return { 'sold_out', section.name }
    end
  end
end

lapse(LAPSE_MAX)
local refused = refusal()
-- What has lapsed stands in nobody's way, however much it is.
while refused and lapse(LAPSE_MAX) > 0 do refused = refusal() end
if refused then return refused end

for _, seat in ipairs(numbers) do take_number(seat) end
for _, section in ipairs(sections) do
  for _ = 1, section.quantity do
    local number = redis.call('LPOP', free_key(section.name))
    number = tonumber(number) or redis.call('HINCRBY', GENERAL, section.name, 1)
    local seat = section.name .. '-' .. exact(number)
    ids[#ids + 1] = seat
    words[#words + 1] = seat .. ':' .. section.price .. ':' .. exact(section.place + number) .. 'g'
  end
end
local owners = {}
for _, seat in ipairs(ids) do
  owners[#owners + 1] = seat
  owners[#owners + 1] = id
end
redis.call('HSET', TAKEN, unpack(owners))
local holding = {
  id = id, state = 'held', until_ms = now + tonumber(ARGV[5]), since = now, fan = fan, ticket = ticket,
  rest = table.concat({ fan, ticket, exact(now), ARGV[7], table.concat(words, ',') }, ' '),
}
save(holding)
redis.call('ZADD', EXPIRY, exact(holding.until_ms), id)
local own = id .. '=' .. exact(asked)
local function with_own(list) return list and list .. ' ' .. own or own end
if ticket == '-' then
  redis.call('HSET', FANS, by_fan, with_own(counts[1]))
else
  redis.call('HSET', FANS, by_fan, with_own(counts[1]), by_ticket, with_own(counts[2]))
end
tell(holding)
return { 'held', text_of(holding) }
