//! Makes a failing list smaller: whole stretches are left out, then single steps, as long as it still fails.

/// The smallest list that is found to fail within so many tries. The list itself must fail.
///
/// # Errors
/// Those of `fails`.
pub async fn shrink<T: Clone, E>(
    list: &[T],
    tries: usize,
    mut fails: impl AsyncFnMut(&[T]) -> Result<bool, E>,
) -> Result<Vec<T>, E> {
    let mut smallest = list.to_vec();
    let mut left = tries;
    let mut stretch = smallest.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        let mut smaller = false;
        while from < smallest.len() {
            if left == 0 {
                return Ok(smallest);
            }
            left -= 1;
            let to = (from + stretch).min(smallest.len());
            let without = [&smallest[..from], &smallest[to..]].concat();
            if fails(&without).await? {
                smallest = without;
                smaller = true;
            } else {
                from = to;
            }
        }
        // Once more with single steps, as long as that helps: leaving out one may make another superfluous.
        if stretch == 1 && !smaller {
            return Ok(smallest);
        }
        stretch = (stretch / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shrunk(list: &[u8], tries: usize, needed: &[u8]) -> Vec<u8> {
        let fails = async |it: &[u8]| Ok::<_, ()>(needed.iter().all(|step| it.contains(step)));
        shrink(list, tries, fails).await.unwrap()
    }

    #[tokio::test]
    async fn only_what_is_needed_is_left() {
        let list: Vec<u8> = (0..100).collect();
        assert_eq!(shrunk(&list, 1000, &[3, 50, 99]).await, [3, 50, 99]);
        assert_eq!(shrunk(&list, 1000, &[]).await, [0; 0]);
        assert_eq!(shrunk(&[7], 1000, &[7]).await, [7]);
    }

    #[tokio::test]
    async fn what_is_left_when_the_tries_are_used_up_still_fails() {
        let list: Vec<u8> = (0..100).collect();
        let left = shrunk(&list, 9, &[3, 99]).await;
        assert!(
            left.len() < 100 && left.contains(&3) && left.contains(&99),
            "{left:?}"
        );
    }
}
