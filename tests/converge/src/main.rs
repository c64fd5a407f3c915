use converge::*;
use std::time::Instant;
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut w = stage::Worker::open().await?;
    if std::env::args().nth(1).unwrap() == "x" {
        let c: usize = std::env::args().nth(2).unwrap().parse()?;
        let which: Vec<_> = if c == 9 {
            small::THREE.iter().collect()
        } else {
            small::TWO.iter().collect()
        };
        for small in which {
            let t = Instant::now();
            let e = explore::explore(
                &mut w,
                explore::Task {
                    small,
                    variant: variant::Variant::Shipped,
                    crashes: c % 9,
                    orders: if c == 8 {
                        explore::Orders::All
                    } else {
                        explore::Orders::Reduced
                    },
                },
                || (),
            )
            .await?;
            println!(
                "{}: {} {:?} {:?}",
                small.name,
                e.interleavings,
                t.elapsed(),
                e.failure
            );
        }
        return Ok(());
    }
    let n: u64 = std::env::args().nth(1).unwrap().parse()?;
    let t = Instant::now();
    let mut all = counts::Counts::default();
    for i in 0..n {
        let steps = step::schedule(random::Random::seed_of(1, i));
        let p = play::play(&mut w, variant::Variant::Shipped, &steps, false).await?;
        all.merge(&p.counts);
        if !p.mismatches.is_empty() {
            println!("{i}: {:#?}", p.mismatches);
            let p = play::play(&mut w, variant::Variant::Shipped, &steps, true).await?;
            println!("again: {:#?} {:#?}", p.mismatches, p.log);
            break;
        }
    }
    println!("{:?} each\n{all:#?}", t.elapsed() / n as u32);
    Ok(())
}
