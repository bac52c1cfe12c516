//! The values of a flag that varies: numbers and ranges.

/// Limit on the number of values.
const MAX_POINTS: usize = 1_000;

/// Parses values: numbers and ranges, separated by commas. A range is `A..B:STEP`, or
/// `A..B:xFACTOR`, and includes B if a step meets it. The result is sorted, without duplicates.
///
/// # Errors
/// Says what is wrong, and what is expected.
pub fn parse(text: &str) -> Result<Vec<f64>, String> {
    let mut values = Vec::new();
    for part in text.split(',') {
        values.extend(parse_part(part.trim())?);
        if values.len() > MAX_POINTS {
            return Err(format!("{text:?} has more than {MAX_POINTS} points"));
        }
    }
    values.sort_by(f64::total_cmp);
    values.dedup();
    Ok(values)
}

fn parse_part(part: &str) -> Result<Vec<f64>, String> {
    let Some((from, rest)) = part.split_once("..") else {
        return Ok(vec![number(part)?]);
    };
    let Some((to, step)) = rest.split_once(':') else {
        return Err(format!(
            "{part:?} needs a step such as {part}:10, or a factor such as {part}:x2"
        ));
    };
    let (from, to) = (number(from)?, number(to)?);
    if to < from {
        return Err(format!("{part:?} ends before it begins"));
    }
    match step.trim().strip_prefix('x') {
        Some(factor) => by_factor(part, from, to, number(factor)?),
        None => by_step(part, from, to, number(step)?),
    }
}

fn by_step(part: &str, from: f64, to: f64, step: f64) -> Result<Vec<f64>, String> {
    if step <= 0.0 {
        return Err(format!("the step of {part:?} must be greater than 0"));
    }
    // A float, so that a billion points are counted before they are created.
    let last = ((to - from) / step + 1e-9).floor();
    if last >= MAX_POINTS as f64 {
        return Err(format!("{part:?} has more than {MAX_POINTS} points"));
    }
    let points = 0..=(last as u32);
    Ok(points
        .map(|point| rounded(from + f64::from(point) * step))
        .collect())
}

fn by_factor(part: &str, from: f64, to: f64, factor: f64) -> Result<Vec<f64>, String> {
    if factor <= 1.0 || from <= 0.0 {
        return Err(format!(
            "{part:?} must begin above 0, and have a factor above 1"
        ));
    }
    let powers = (0..=MAX_POINTS as i32).map(|power| rounded(from * factor.powi(power)));
    let values: Vec<f64> = powers.take_while(|value| *value <= to).collect();
    if values.len() > MAX_POINTS {
        return Err(format!("{part:?} has more than {MAX_POINTS} points"));
    }
    Ok(values)
}

fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        // Turns -0.0 into 0.0.
        Ok(number) if number.is_finite() => Ok(number + 0.0),
        Ok(_) | Err(_) => Err(format!("{text:?} is not a number")),
    }
}

/// Removes rounding errors such as in 0.30000000000000004.
fn rounded(number: f64) -> f64 {
    format!("{number:.12e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn values_are_numbers_and_ranges_sorted_and_without_duplicates() {
        #[track_caller]
        fn check(text: &str, values: &[f64]) {
            assert_eq!(parse(text).as_deref(), Ok(values), "{text}");
        }
        check("7", &[7.0]);
        check("0..100:50", &[0.0, 50.0, 100.0]);
        check("0..100:60", &[0.0, 60.0]);
        check("0..0.3:0.1", &[0.0, 0.1, 0.2, 0.3]);
        check("5..1000:x10", &[5.0, 50.0, 500.0]);
        check("1..8:x2", &[1.0, 2.0, 4.0, 8.0]);
        check("1000, 5,10,5..15:5", &[5.0, 10.0, 15.0, 1000.0]);
        check("-5..5:5", &[-5.0, 0.0, 5.0]);
        check("-0,0", &[0.0]);
        check("3..3:1", &[3.0]);
        assert_eq!(parse("1..1000:1").map(|it| it.len()), Ok(1000));
    }

    #[test]
    fn invalid_ranges_are_refused() {
        #[track_caller]
        fn check(text: &str, why: &str) {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        check("", "is not a number");
        check("a..b:c", "is not a number");
        check("1,,2", "is not a number");
        check("NaN", "is not a number");
        check("0..inf:1", "is not a number");
        check("0..1e400:1", "is not a number");
        check("0..10", "needs a step such as 0..10:10");
        check("0..10:0", "greater than 0");
        check("0..10:-1", "greater than 0");
        check("0..10:NaN", "is not a number");
        check("10..0:1", "ends before it begins");
        check("0..1e9:1", "more than 1000 points");
        check("0..1e308:1e-308", "more than 1000 points");
        check("-1e308..1e308:1", "more than 1000 points");
        check("0..1000:1", "more than 1000 points");
        check("1..1e300:x1.0000001", "more than 1000 points");
        check("1..2:x1.0000000000000002", "more than 1000 points");
        check("0..10:x2", "begin above 0");
        check("1..10:x1", "factor above 1");
        check("1..10:x", "is not a number");
    }
}
