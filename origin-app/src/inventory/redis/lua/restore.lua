-- restore: puts a holding right, by what the database says.
--
-- ARGV[2..3]  reservation, its line
-- Reply       1, or 0 where others have its seats, and rightly
-- Cost        O(its seats)

if not is_loaded() then return not_loaded() end
return put(parse(ARGV[2], ARGV[3])) and 1 or 0
