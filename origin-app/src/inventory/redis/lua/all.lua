-- all: every reservation that is known.
--
-- Reply       {now, {reservation, its line, …}}
-- Cost        O(reservations)

if not is_loaded() then return not_loaded() end
return { now, redis.call('HGETALL', HOLDS) }
