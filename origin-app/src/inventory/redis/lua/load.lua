-- load: makes an event ready to be sold, with what the database knows. An event that is loaded stays as it is. The log
-- and the dead letters stay in any case: what is in them, the database may not know yet.
--
-- ARGV[2..]   for each holding: reservation, its line as in :holds
-- Reply       1 loaded now, 0 before
-- Cost        O(seats held and sold)

if is_loaded() then return 0 end
for _, section in ipairs(redis.call('HKEYS', GENERAL)) do redis.call('DEL', free_key(section)) end
redis.call('DEL', TAKEN, HOLDS, EXPIRY, FANS, GENERAL)
for i = 2, #ARGV, 2 do put(parse(ARGV[i], ARGV[i + 1])) end
redis.call('HSET', FANS, 'server', process)
redis.call('HSET', event, 'loaded_at', now)
-- Perhaps it was about to be forgotten.
for _, key in ipairs({ event, LOG, DEAD }) do redis.call('PERSIST', key) end
return 1
