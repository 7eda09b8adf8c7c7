-- dead: the oldest entries that were put aside.
--
-- ARGV[2]     most entries
-- Reply       the entries as of XRANGE
-- Cost        O(entries)

return redis.call('XRANGE', DEAD, '-', '+', 'COUNT', ARGV[2])
