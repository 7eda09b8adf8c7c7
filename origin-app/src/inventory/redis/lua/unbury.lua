-- unbury: takes a dead letter out, and writes it to the log again where that is asked for.
--
-- ARGV[2..3]  mark, 1 to write it to the log
-- Reply       1, or 0 where there is no such letter
-- Cost        O(1)

local found = redis.call('XRANGE', DEAD, ARGV[2], ARGV[2])[1]
if not found then return 0 end
if ARGV[3] == '1' then
  local fields = {}
  for i = 1, #found[2], 2 do
    if found[2][i] ~= 'reason' then
      fields[#fields + 1] = found[2][i]
      fields[#fields + 1] = found[2][i + 1]
    end
  end
  redis.call('XADD', LOG, '*', unpack(fields))
end
return redis.call('XDEL', DEAD, ARGV[2])
