-- look: where tickets stand.
--
-- ARGV[2..]   lane, rank, id for each ticket
-- Reply       kind and two values for each: 0 waiting, fans ahead · 1 turn, until ms · 2 active, until ms,
--             admitted at ms · 3 ended · 4 unknown
-- Cost        O(tickets · log waiting)

local state = load_state()
if not state then return unknown_room() end
return standings(state, 2)
