-- bury: puts an entry aside that cannot be processed.
--
-- ARGV[2..3]  mark, reason
-- Reply       1, or 0 where there is no such entry
-- Cost        O(1)

local found = redis.call('XRANGE', LOG, ARGV[2], ARGV[2])[1]
if not found then return 0 end
local fields = found[2]
fields[#fields + 1] = 'reason'
fields[#fields + 1] = ARGV[3]
redis.call('XADD', DEAD, '*', unpack(fields))
redis.pcall('XACK', LOG, GROUP, ARGV[2])
return redis.call('XDEL', LOG, ARGV[2])
