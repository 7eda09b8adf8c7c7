-- read: the oldest entries of the log that are not acknowledged, delivered before or not. One reader at a time keeps the
-- order; who is silent for longer than its turn lasts loses it.
--
-- ARGV[2..4]  reader, ms that its turn lasts, most entries
-- Reply       nil while it is another's turn, or the entries as of XRANGE
-- Cost        O(entries)

local reader, turn, limit = ARGV[2], tonumber(ARGV[3]), ARGV[4]
-- Whether a reader is silent is nothing that a test decides.
local clock = redis.call('TIME')
local real = clock[1] * 1000 + math.floor(clock[2] / 1000)
local holder = redis.call('HMGET', event, 'reader', 'reader_until')
if holder[1] and holder[1] ~= reader and tonumber(holder[2]) > real then return false end
redis.call('HSET', event, 'reader', reader, 'reader_until', real + turn)
forget_unless_loaded()
if redis.call('EXISTS', LOG) == 0 then return {} end
-- Says BUSYGROUP where there is one.
redis.pcall('XGROUP', 'CREATE', LOG, GROUP, '0')
local entries = redis.call('XAUTOCLAIM', LOG, GROUP, reader, 0, '0-0', 'COUNT', limit)[2]
local room = tonumber(limit) - #entries
if room > 0 then
  local new = redis.call('XREADGROUP', 'GROUP', GROUP, reader, 'COUNT', room, 'STREAMS', LOG, '>')
  for _, entry in ipairs(new and new[1][2] or {}) do entries[#entries + 1] = entry end
end
return entries
