-- configure: puts rules in force unless a newer revision already is. The first call begins the room's line.
--
-- ARGV[2]     revision
-- ARGV[3]     the rules as JSON, kept for whoever reads the snapshot
-- ARGV[4]     lanes, `<name>=<weight>` separated by spaces
-- ARGV[5..]   field, value of each rule that the scripts use
-- Reply       1 when these rules are in force now, 0 when a newer revision was
-- Cost        O(fields + lanes)

local revision = tonumber(ARGV[2])
local state = load_state()

if state and number(state, 'revision') >= revision then return 0 end

if state then
  -- What gathered until now gathered under the old rate.
  gather(state)
else
  -- One millisecond ahead: should this line replace one that was lost just now, its ranks are above all that
  -- the lost one gave.
  state = { first_rank = first_rank_of(now + 1), lanes_known = '' }
  redis.call('HSET', room, 'born_at', now, 'first_rank', state.first_rank, 'gathered_at', now)
end

local fields = { 'revision', revision, 'rules', ARGV[3], 'lanes', ARGV[4] }
for i = 5, #ARGV, 2 do
  fields[#fields + 1] = ARGV[i]
  fields[#fields + 1] = ARGV[i + 1]
  state[ARGV[i]] = ARGV[i + 1]
end

local units_max = number(state, 'burst') * UNITS_PER_PERMIT
fields[#fields + 1] = 'units'
fields[#fields + 1] = math.min(state.units or units_max, units_max)

state.lanes = ARGV[4]
for _, lane in ipairs(lanes_of(state)) do
  if not state['next:' .. lane.name] then
    state.lanes_known = state.lanes_known .. lane.name .. ' '
    fields[#fields + 1] = 'next:' .. lane.name
    fields[#fields + 1] = number(state, 'first_rank')
  end
end
fields[#fields + 1] = 'lanes_known'
fields[#fields + 1] = state.lanes_known

redis.call('HSET', room, unpack(fields))
return 1
