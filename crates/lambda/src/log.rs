use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// One JSON line per event on standard output, where Lambda collects it. `RUST_LOG` sets the level, for all or by module
/// (`info,payments=debug`); the default is `info`. Metrics go there too, from here on.
pub fn init() {
    let wanted = std::env::var("RUST_LOG").ok();
    let filter: Targets = wanted
        .and_then(|wanted| wanted.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false);
    tracing_subscriber::registry()
        .with(json)
        .with(filter)
        .init();
    crate::metrics::turn_on();
}
