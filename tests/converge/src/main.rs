use std::time::Instant;
#[tokio::main(flavor = "current_thread")]
async fn main() {
    use converge::*;
    for _ in 0..3 {
        let t = Instant::now();
        for _ in 0..100 {
            database::Database::open().unwrap();
        }
        println!("db {:?}", t.elapsed() / 100);
        let t = Instant::now();
        for _ in 0..100 {
            world::World::open().await.unwrap();
        }
        println!("world {:?}", t.elapsed() / 100);
        let w = world::World::open().await.unwrap();
        let t = Instant::now();
        for _ in 0..100 {
            w.ask(http::Method::POST, "/v1/customers", "email=a@example.com&payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa").await.unwrap();
        }
        println!("customer {:?}", t.elapsed() / 100);
        let p = w.list("/v1/prices").await.unwrap()[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let (_, c) = w.ask(http::Method::POST, "/v1/customers", "email=a@example.com&payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa").await.unwrap();
        let c = c["id"].as_str().unwrap();
        let t = Instant::now();
        for _ in 0..100 {
            w.ask(
                http::Method::POST,
                "/v1/subscriptions",
                &format!("customer={c}&items[0][price]={p}"),
            )
            .await
            .unwrap();
        }
        println!("sub {:?}", t.elapsed() / 100);
        let t = Instant::now();
        for _ in 0..100 {
            w.get(&format!(
                "/v1/subscriptions?customer={c}&limit=3&expand[]=data.latest_invoice"
            ))
            .await
            .unwrap();
        }
        println!("list {:?}", t.elapsed() / 100);
        let t = Instant::now();
        println!("und {:?}", w.stripe.undelivered(0).await.unwrap().len());
        println!("und {:?}", t.elapsed());
        let t = Instant::now();
        let mut g = gate::Gate::open().await.unwrap();
        let cl = instance::Clients::default();
        println!("gate {:?}", t.elapsed());
        let t = Instant::now();
        for i in 0..100 {
            let inst = instance::Instance::start(
                i,
                instance::Kind::Webhook,
                variant::Variant::Shipped,
                &cl,
                &g,
            )
            .unwrap();
            std::hint::black_box(&inst);
        }
        println!("instance {:?}", t.elapsed() / 100);
        let inst = instance::Instance::start(
            1000,
            instance::Kind::Webhook,
            variant::Variant::Shipped,
            &cl,
            &g,
        )
        .unwrap();
        let und = w.stripe.undelivered(0).await.unwrap();
        let t = Instant::now();
        let mut n = 0;
        let mut steps = 0;
        let (mut ts, mut tt) = (std::time::Duration::ZERO, std::time::Duration::ZERO);
        for u in und.into_iter().take(500) {
            n += 1;
            let _task = inst.begin(instance::Job::Event(u.body), &g);
            loop {
                match g.next(1000).await.unwrap() {
                    gate::Signal::Ended(s) => {
                        assert_eq!(s, Some(200));
                        break;
                    }
                    gate::Signal::Asked(r) => {
                        steps += 1;
                        let t = Instant::now();
                        let a = match r.to {
                            gate::Service::Stripe => {
                                let a = w
                                    .answer(
                                        r.method.clone(),
                                        &r.path,
                                        r.headers.clone(),
                                        r.body.clone(),
                                    )
                                    .await
                                    .unwrap();
                                ts += t.elapsed();
                                a
                            }
                            gate::Service::Table => {
                                let (s, b) = w.database.execute(
                                    label::operation(&r),
                                    std::str::from_utf8(&r.body).unwrap(),
                                );
                                let mut a = gate::Answer::new(http_body_util::Full::new(b.into()));
                                *a.status_mut() = http::StatusCode::from_u16(s).unwrap();
                                tt += t.elapsed();
                                a
                            }
                        };
                        r.answer(a);
                    }
                }
            }
        }
        println!(
            "{n} deliveries {steps} steps {:?} each; stripe {ts:?} table {tt:?}",
            t.elapsed() / n
        );
    }
}
