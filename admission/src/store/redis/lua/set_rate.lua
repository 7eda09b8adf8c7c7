-- set_rate: puts in force the rate that was decided about an interval, unless a later one is over already.
--
-- ARGV[2]     number of the interval
-- ARGV[3]     fans a minute
-- ARGV[4]     what the controller remembers
-- Reply       1 when it is in force now, 0 when it came too late
-- Cost        O(1)

local state = load_state()
if not state then return unknown_room() end
if state.adaptive ~= '1' or number(state, 'load_number') ~= tonumber(ARGV[2]) + 1 then return 0 end

-- What gathered until now gathered under the old rate.
gather(state)
set(state, 'rate', math.max(number(state, 'rate_min'), math.min(tonumber(ARGV[3]), number(state, 'rate_max'))))
set(state, 'load_history', ARGV[4])
return 1
