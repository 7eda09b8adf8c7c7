-- acknowledge: entries are processed; holds that are over and known to the database are forgotten.
--
-- ARGV[2..]   for each entry: its mark, and the reservation that it ended or ''
-- Reply       how many entries there were
-- Cost        O(entries)

local marks = {}
for i = 2, #ARGV, 2 do
  marks[#marks + 1] = ARGV[i]
  local holding = ARGV[i + 1] ~= '' and find(ARGV[i + 1])
  if holding and not has_seats(holding) then
    redis.call('HDEL', HOLDS, holding.id)
    charge(holding, nil)
  end
end
if #marks == 0 then return 0 end
-- No group, and nothing to acknowledge to, in a log that was lost.
redis.pcall('XACK', LOG, GROUP, unpack(marks))
return redis.call('XDEL', LOG, unpack(marks))
