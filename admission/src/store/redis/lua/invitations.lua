-- invitations: which were used or withdrawn, and withdrawing some.
--
-- ARGV[2]     `list` or `withdraw`
-- ARGV[3..]   list: how many; withdraw: id, ms until when it would be good, for each
-- Reply       list: {id, ms until, what is noted of it, 1 if withdrawn} for each, those that are good longest first;
--             withdraw: 0
-- Cost        O(invitations that are told or withdrawn), each with log of all

local state = load_state()
if not state then return unknown_room() end

forget_invitations()
if ARGV[2] == 'withdraw' then
  for i = 3, #ARGV, 2 do
    local id, until_ms = ARGV[i], tonumber(ARGV[i + 1])
    if until_ms > now then
      local _, value = invitation(id)
      note_invitation(id, until_ms, value or 0, true)
    end
  end
  return 0
end
local answer = {}
for _, id in ipairs(redis.call('ZREVRANGE', INVITATIONS, 0, tonumber(ARGV[3]) - 1)) do
  local until_ms, value, withdrawn = invitation(id)
  if until_ms then answer[#answer + 1] = { id, until_ms, value, withdrawn and 1 or 0 } end
end
return answer
