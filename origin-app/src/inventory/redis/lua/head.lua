-- What every script begins with: the time, and the names of the keys.
--
-- KEYS[1]  the event's hash, `shop:{<event>}`: when it was loaded, who loads it and who reads the log until when.
--          Every other key of the event is this name and a suffix, so all of them share the hash tag:
--            :taken           hash, who has a seat          seat → reservation
--            :holds           hash, what is known of them   reservation → `<state> <until ms> <since ms> <fan> <ticket or ->
--                                                           <held at ms> <currency> <id>:<price>:<place>[g],…`
--            :expiry          sorted set, which holds lapse  member reservation, score ms of its end
--            :fans            hash, what counts against whom `f:<fan>` or `t:<ticket>` → `<reservation>=<seats> …`;
--                                                           and `server`, the process that loaded the event
--            :general         hash, sections without numbers section → highest number given so far
--            :free:<section>  list, its seats that came back their numbers
--            :log, :dead      streams, what happened, for the database; and what could not be processed
-- ARGV[1]  which process this server is, as it said when the connection was made: a connection leads to one process as long
--          as it lasts, and to ask anew in every step would be a sixth of its cost. From a test the time follows, in ms since
--          the epoch; otherwise it is the server's, the only clock of a sale.

local event = KEYS[1]
local TAKEN = event .. ':taken'
local HOLDS = event .. ':holds'
local EXPIRY = event .. ':expiry'
local FANS = event .. ':fans'
local GENERAL = event .. ':general'
local LOG = event .. ':log'
local DEAD = event .. ':dead'
local LAPSE_MAX = 64

local process, now = ARGV[1], nil
if string.find(process, ' ', 1, true) then
  process, now = string.match(process, '^(%x+) (%d+)$')
  now = tonumber(now)
else
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
