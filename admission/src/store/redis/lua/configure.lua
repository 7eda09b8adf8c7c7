-- configure: puts rules in force unless a newer revision already is. The first call begins the room's line.
--
-- ARGV[2]     revision
-- ARGV[3]     the rules as JSON, kept for whoever reads the snapshot
-- ARGV[4]     lanes, `<name>=<weight>` separated by spaces
-- ARGV[5..12] what the caller remembers of a line that was lost: above every rank it saw; how far ranks ran ahead of
--             the clock; joined and admitted in all; cursors, `<lane>=<rank>` separated by spaces; up to when
--             admissions are void; and when the line was reset, and below which rank tickets are from before. All 0 and '' when it remembers nothing
-- ARGV[13]    the latest pre-queue whose seed it knows to be public, ms; 0 without one
-- ARGV[14..]  field, value of each rule that the scripts use
-- Reply       1 when these rules are in force now, 0 when a newer revision was
-- Cost        O(fields + lanes)

local revision = tonumber(ARGV[2])
local remembered, lead = tonumber(ARGV[5]), tonumber(ARGV[6])
local state = load_state()

-- Lanes that the rules no longer name keep their fans until they are named again.
local function add_lanes(next_rank)
  for _, lane in ipairs(lanes_of(state)) do
    if not state['next:' .. lane.name] then
      set(state, 'lanes_known', (state.lanes_known or '') .. lane.name .. ' ')
      set(state, 'next:' .. lane.name, next_rank)
    end
  end
end

-- Takes in what somebody remembers of this line, or of one that it replaces.
local function recall()
  local least = remembered
  if lead > number(state, 'lead') then
    set(state, 'lead', lead)
    least = math.max(least, least_rank(state))
  end
  rise(state, least)
  for lane, cursor in string.gmatch(ARGV[9], '([^= ]+)=(%d+)') do
    if state['next:' .. lane] then
      set(state, 'cursor:' .. lane, math.max(number(state, 'cursor:' .. lane), tonumber(cursor)))
    end
  end
  set(state, 'joined_total', math.max(number(state, 'joined_total'), tonumber(ARGV[7])))
  set(state, 'admitted_total', math.max(number(state, 'admitted_total'), tonumber(ARGV[8])))
end

-- Takes in what may not be undone: what was voided, and what was revealed.
local function recall_told()
  set(state, 'revealed', math.max(number(state, 'revealed'), tonumber(ARGV[13])))
  local before = tonumber(ARGV[10])
  if before > number(state, 'voided_before') then
    expire(state)
    void(state, before)
  end
end

local function recall_reset()
  local at = tonumber(ARGV[11])
  if at <= number(state, 'reset_at') then return end
  set(state, 'reset_at', at)
  set(state, 'reset_below', math.max(tonumber(ARGV[12]), number(state, 'reset_below')))
  for _, lane in ipairs(known_lanes(state)) do clear_below(lane, number(state, 'reset_below')) end
end

local function put_in_force()
  local rate, before = number(state, 'rate'), state.drain_per_minute
  for i = 14, #ARGV, 2 do set(state, ARGV[i], ARGV[i + 1]) end
  if state.drain_per_minute ~= before then rate = number(state, 'drain_per_minute') end
  set(state, 'rate', math.max(number(state, 'rate_min'), math.min(rate, number(state, 'rate_max'))))
  set(state, 'revision', revision)
  set(state, 'rules', ARGV[3])
  set(state, 'lanes', ARGV[4])
  set(state, 'units', math.min(number(state, 'units'), units_max(state)))
end

if state then
  if remembered > 0 then recall() end
  recall_told()
  recall_reset()
  if number(state, 'revision') >= revision then return 0 end
  -- What gathered until now gathered under the old rate.
  gather(state)
  put_in_force()
  add_lanes(least_rank(state))
else
  state = {}
  -- One millisecond ahead: should this line replace one that was lost just now, its ranks are above all that the
  -- lost one gave. It begins without permits, for those of the lost one may have been used.
  local above_all = remembered > 0 and remembered + UNSEEN_LEAD or 0
  local first_rank = math.max(first_rank_of(now + 1) + lead, above_all)
  set(state, 'server', server_id())
  set(state, 'resumed_at', now)
  set(state, 'shows_after', now)
  set(state, 'awake_at', now)
  set(state, 'gathered_at', now)
  set(state, 'lead', first_rank - first_rank_of(now + 1))
  put_in_force()
  forget(state, 0, first_rank)
  forget_the_draw(state, now)
  add_lanes(first_rank)
  if remembered > 0 then
    recall()
    set(state, 'hold_until', now + number(state, 'recovery_grace'))
  end
  recall_told()
  recall_reset()
end
return 1
