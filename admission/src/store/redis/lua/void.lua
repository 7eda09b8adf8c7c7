-- void: voids every admission up to a moment. Their sessions end; turns that were not claimed yet stay.
--
-- ARGV[2]     the moment, ms, at the latest now; '' for all admissions there are
-- Reply       {up to when admissions are void now, sessions that this call ended}
-- Cost        O(sessions · log sessions)

local state = load_state()
if not state then return unknown_room() end

expire(state)
local before = now
if ARGV[2] == '' then
  -- A clock that went back does not save those who came before it did.
  for _, admitted_at in ipairs(redis.call('HVALS', ADMITTED)) do
    before = math.max(before, tonumber(admitted_at))
  end
else
  before = math.min(before, tonumber(ARGV[2]))
end
local sessions = void(state, before)
return { number(state, 'voided_before'), sessions }
