-- begin_load: takes the turn to load an event, so that of several shops one reads the database.
--
-- ARGV[2..3]  who, ms that the turn lasts
-- Reply       1, or 0 while it is another's turn
-- Cost        O(1)

-- Whether a shop is silent is nothing that a test decides.
local clock = redis.call('TIME')
local real = clock[1] * 1000 + math.floor(clock[2] / 1000)
local holder = redis.call('HMGET', event, 'loader', 'loader_until')
if holder[1] and holder[1] ~= ARGV[2] and tonumber(holder[2]) > real then return 0 end
redis.call('HSET', event, 'loader', ARGV[2], 'loader_until', real + tonumber(ARGV[3]))
forget_unless_loaded()
return 1
