-- report_load: adds what a proxy saw of the shop to what the others did. Whoever comes first after the interval is
-- over gets the sums, and decides about the rate.
--
-- ARGV[2]     how long an interval is, ms
-- ARGV[3..]   the report: counts that add up, but for the third, of which the higher stays
-- Reply       nothing; or {number of the interval that is over, its length in ms, fans admitted in it, rate in
--             force, what the controller remembers, the sums separated by spaces}
-- Cost        O(1)

local state = load_state()
if not state then return unknown_room() end
if state.adaptive ~= '1' then return false end

local number_now, since = number(state, 'load_number'), number(state, 'load_since')
local sums = {}
for sum in string.gmatch(state.load or '', '%d+') do sums[#sums + 1] = tonumber(sum) end
for i = 3, #ARGV do
  local at, value = i - 2, tonumber(ARGV[i])
  sums[at] = at == 3 and math.max(sums[at] or 0, value) or (sums[at] or 0) + value
end
for at, sum in ipairs(sums) do sums[at] = exact(sum) end
local report = table.concat(sums, ' ')

-- Turns that lapsed were no admissions.
local admitted = number(state, 'admitted_total') - number(state, 'lapsed_total')
local length = now - since
if length >= 0 and length < tonumber(ARGV[2]) then
  set(state, 'load', report)
  return false
end
local answer = false
if since > 0 and length >= 0 then
  local came = math.max(0, admitted - number(state, 'load_admitted'))
  answer = { number_now, length, came, number(state, 'rate'), state.load_history or '', report }
end
set(state, 'load_number', number_now + 1)
set(state, 'load_since', now)
set(state, 'load_admitted', admitted)
set(state, 'load', '')
return answer
