-- backlog: how far the database is behind.
--
-- Reply       {now, entries, when the oldest was written or 0, dead letters}
-- Cost        O(1)

local oldest = redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1]
local at = 0
if oldest then
  for i = 1, #oldest[2], 2 do
    if oldest[2][i] == 'line' then at = tonumber(string.match(oldest[2][i + 1], '^%a+ %d+ (%d+) ')) or 0 end
  end
  -- What nobody can read came when the stream says.
  if at == 0 then at = tonumber(string.match(oldest[1], '^%d+')) end
end
return { now, redis.call('XLEN', LOG), at, redis.call('XLEN', DEAD) }
