-- fleet: what the proxies share besides the lines.
--
-- KEYS[1]     the hash of the configuration, `wr:{@fleet}`, with `revision` and `text`, and with `file` and `written`
--             where changes came from a file; the audit log is the list beside it, `:audit`, newest first
-- ARGV[1]     the time in ms since the epoch, from a test; 0: the server's clock
-- ARGV[2]     `configuration`, `propose`, `note` or `audit`
-- ARGV[3..]   configuration: the revision that the caller knows
--             propose: `newer`, `latest` or `from`, a revision, the text, the entry as JSON; the file and when it was
--             written, ms, where it comes from one
--             note: the entry as JSON
--             audit: how many
-- Reply       configuration: {revision, text or '', file or '', written or 0}; propose: {1 if kept, revision}; note: 1; audit: {entries}
-- Cost        O(1), and of the text

local AUDIT_MAX = 1000
local audit = KEYS[1] .. ':audit'
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The entry with what only the store knows.
local function note(json, revision)
  local entry = cjson.decode(json)
  entry.at, entry.revision = now, revision
  redis.call('LPUSH', audit, cjson.encode(entry))
  redis.call('LTRIM', audit, 0, AUDIT_MAX - 1)
end

local verb = ARGV[2]
local kept = tonumber(redis.call('HGET', KEYS[1], 'revision') or '0')
if verb == 'configuration' then
  if kept == tonumber(ARGV[3]) or kept == 0 then return { kept, '', '', 0 } end
  local values = redis.call('HMGET', KEYS[1], 'text', 'file', 'written')
  return { kept, values[1], values[2] or '', tonumber(values[3] or '0') }
elseif verb == 'propose' then
  local basis, given, revision = ARGV[3], tonumber(ARGV[4])
  if basis == 'newer' and given > kept then revision = given end
  if basis == 'latest' then revision = math.max(given, kept + 1) end
  if basis == 'from' and given == kept then revision = math.max(now, kept + 1) end
  if not revision then return { 0, kept } end
  if ARGV[7] then redis.call('HSET', KEYS[1], 'file', ARGV[7], 'written', ARGV[8]) end
  if redis.call('HGET', KEYS[1], 'text') == ARGV[5] then
    -- Nothing changes but the number, where the caller has a newer one in force: all have to end up with one.
    if basis ~= 'newer' then return { 1, kept } end
    redis.call('HSET', KEYS[1], 'revision', string.format('%.0f', revision))
    return { 1, revision }
  end
  redis.call('HSET', KEYS[1], 'revision', string.format('%.0f', revision), 'text', ARGV[5])
  note(ARGV[6], revision)
  return { 1, revision }
elseif verb == 'note' then
  note(ARGV[3], 0)
  return 1
end
return redis.call('LRANGE', audit, 0, tonumber(ARGV[3]) - 1)
