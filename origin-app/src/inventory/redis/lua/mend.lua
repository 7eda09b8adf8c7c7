-- mend: makes seats and counters agree with the holdings, where they do not.
--
-- ARGV[2]     how many seats follow: the seat, and whose it should be or `-`, for each
-- ARGV[..]    sections without numbers: name, how many seats it has, for each
-- Reply       how many seats and sections were put right
-- Cost        O(seats asked for), and O(seats taken) for each section

if not is_loaded() then return not_loaded() end

local function owns(id, seat)
  local holding = find(id)
  if not holding or not has_seats(holding) then return false end
  for _, own in ipairs(seats_of(holding)) do
    if own.id == seat then return true end
  end
  return false
end

local mended, from = 0, 3
for _ = 1, tonumber(ARGV[2]) do
  local seat, right = ARGV[from], ARGV[from + 1]
  from = from + 2
  local owner = redis.call('HGET', TAKEN, seat)
  local changed = false
  if owner and not owns(owner, seat) then
    redis.call('HDEL', TAKEN, seat)
    owner, changed = false, true
  end
  if not owner and right ~= '-' and owns(right, seat) then
    redis.call('HSET', TAKEN, seat, right)
    changed = true
  end
  if changed then mended = mended + 1 end
end

local function sorted_text(numbers)
  table.sort(numbers)
  return table.concat(numbers, ' ')
end

for i = from, #ARGV, 2 do
  local section, capacity = ARGV[i], tonumber(ARGV[i + 1])
  local taken, highest = {}, 0
  for _, seat in ipairs(redis.call('HKEYS', TAKEN)) do
    local name, number = number_of(seat)
    if name == section then
      taken[number] = true
      highest = math.max(highest, number)
    end
  end
  local before = tonumber(redis.call('HGET', GENERAL, section) or '0')
  local given = math.max(math.min(before, capacity), highest)
  local free, found = {}, {}
  for number = 1, given do
    if not taken[number] then free[#free + 1] = number end
  end
  for _, number in ipairs(redis.call('LRANGE', free_key(section), 0, -1)) do
    found[#found + 1] = tonumber(number)
  end
  if given ~= before or sorted_text(found) ~= sorted_text(free) then
    redis.call('DEL', free_key(section))
    call_many('RPUSH', free_key(section), free)
    redis.call('HSET', GENERAL, section, given)
    mended = mended + 1
  end
end
return mended
