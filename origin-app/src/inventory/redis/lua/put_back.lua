-- put_back: no payment is under way any more, so the hold goes on where it was, and ends if its time is over.
--
-- ARGV[2]     reservation
-- Reply       its line then, or nil where there is none
-- Cost        O(1); where the hold has lapsed, O(its seats)

if not is_loaded() then return not_loaded() end
local holding = find(ARGV[2])
if not holding then return false end
if holding.state == 'kept' then
  if holding.until_ms <= now then
    close(holding, 'expired')
  else
    set_state(holding, 'held')
    redis.call('ZADD', EXPIRY, exact(holding.until_ms), holding.id)
    save(holding)
  end
end
return text_of(holding)
