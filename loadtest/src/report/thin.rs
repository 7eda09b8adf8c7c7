//! Lines with fewer points: a run of hours has more seconds than a plot has room for.

/// Most points of a line.
pub(crate) const POINTS_MAX: usize = 600;

/// A point of a line: when, and what.
pub(crate) type Point = (f64, f64);

/// What stands for several neighbouring points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// Their mean: of what is counted by the second.
    Mean,
    /// The highest: of what must not be overlooked.
    Most,
}

/// At most [`POINTS_MAX`] points; stretches without any stay empty.
pub(crate) fn thin(points: &[Point], stand: Stand) -> Vec<Point> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    if points.len() <= POINTS_MAX {
        return points.to_vec();
    }
    let width = ((last.0 - first.0) / POINTS_MAX as f64).max(f64::EPSILON);
    let of = |point: &Point| (((point.0 - first.0) / width) as usize).min(POINTS_MAX - 1);
    points
        .chunk_by(|one, next| of(one) == of(next))
        .filter_map(|bucket| {
            let (from, to) = (bucket.first()?.0, bucket.last()?.0);
            let values = || bucket.iter().map(|(_, value)| *value);
            let value = match stand {
                Stand::Mean => values().sum::<f64>() / bucket.len() as f64,
                Stand::Most => values().fold(f64::MIN, f64::max),
            };
            Some((f64::midpoint(from, to), value))
        })
        .collect()
}

/// The mean over the last `seconds` at every point, for counts of single seconds that jump about.
pub(crate) fn smooth(points: &[Point], seconds: f64) -> Vec<Point> {
    let mut from = 0;
    let mut sum = 0.0;
    let mut smoothed = Vec::with_capacity(points.len());
    for (index, (at, value)) in points.iter().enumerate() {
        sum += value;
        while let Some((_, gone)) = points.get(from).filter(|(before, _)| before + seconds <= *at) {
            sum -= gone;
            from += 1;
        }
        smoothed.push((*at, sum / (index + 1 - from) as f64));
    }
    smoothed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_peak_and_its_mean() {
        let mut points: Vec<Point> = (0..10_000).map(|second| (f64::from(second), 1.0)).collect();
        points[5000].1 = 100.0;
        let most = thin(&points, Stand::Most);
        assert!(most.len() <= POINTS_MAX && most.iter().any(|(_, value)| *value == 100.0));
        let mean = thin(&points, Stand::Mean);
        let all: f64 = mean.iter().map(|(_, value)| value).sum::<f64>() / mean.len() as f64;
        assert!((all - 1.0099).abs() < 0.001, "{all}");
        assert!(thin(&points[..10], Stand::Most) == points[..10] && thin(&[], Stand::Mean).is_empty());
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let points: Vec<Point> = (0..1000).chain(9000..10_000).map(|at| (f64::from(at), 1.0)).collect();
        assert!(thin(&points, Stand::Mean).iter().all(|(at, _)| *at < 1000.0 || *at >= 9000.0));
    }

    #[test]
    fn smoothing_looks_back() {
        let points = [(0.0, 0.0), (1.0, 4.0), (2.0, 2.0), (3.0, 0.0)];
        assert_eq!(smooth(&points, 2.0), [(0.0, 0.0), (1.0, 2.0), (2.0, 3.0), (3.0, 1.0)]);
    }
}
