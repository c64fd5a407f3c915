//! The whole stack: starts every part, says when it is ready, and ends them together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::data_dir::{Addresses, DataDir};
use crate::gateway::Gateway;
use crate::lambda::{Function, FunctionConfig, LogSink};
use crate::loopback::{self, Loopback};
use crate::names::{self, Settings};
use crate::site::Site;
use crate::stripe_mode::StripeMode;
use crate::template::{FunctionSpec, LogFormat, Template};
use crate::{database, ready};

/// How to run the stack.
#[derive(Clone)]
pub struct Options {
    /// The first of four ports; 0 for free ones.
    pub port: u16,
    /// The template, beside which `static/` is.
    pub template: PathBuf,
    /// The folder of the built functions.
    pub functions: PathBuf,
    /// Which Stripe.
    pub stripe: StripeMode,
    /// Takes the functions' logs.
    pub logs: LogSink,
    /// `RUST_LOG` for the functions.
    pub rust_log: Option<String>,
}

/// A running stack. End it with [`Stack::shutdown`]; dropped, it goes down with its runtime.
pub struct Stack {
    /// Where its parts are.
    pub addresses: Addresses,
    functions: BTreeMap<String, Function>,
    parts: Parts,
}

/// The servers, by the names that people know them by.
type Servers = JoinSet<(&'static str, Result<()>)>;

struct Parts {
    servers: Servers,
    shutdown: watch::Sender<bool>,
}

struct Ports {
    site: Loopback,
    sign_in: TcpListener,
    stripe: TcpListener,
    dynamodb: Loopback,
}

impl Stack {
    /// Starts everything on `data` and waits until the page has plans to offer.
    ///
    /// # Errors
    /// One line that says what is in the way.
    pub async fn start(options: Options, data: &DataDir) -> Result<Self> {
        let template = Template::read(&options.template)?;
        let ports = Ports::bind(options.port).await?;
        let url = |listener: &TcpListener| anyhow::Ok(format!("http://localhost:{}", listener.local_addr()?.port()));
        let stand_in = options.stripe == StripeMode::StandIn;
        let site_url = ports.site.url()?;
        let addresses = Addresses {
            api: format!("{site_url}/api"),
            site: site_url,
            stripe: if stand_in { Some(url(&ports.stripe)?) } else { None },
            sign_in: url(&ports.sign_in)?,
            dynamodb: ports.dynamodb.url()?,
        };
        let settings = settings(&options.stripe, &addresses, data)?;
        let scope = names::scope(&template, &settings);
        let resolver = template.resolve(&scope);
        let functions = start_functions(&options, resolver.functions()?, &addresses)?;
        let gateway = Gateway::new(resolver.api()?, functions.by_id, options.logs.clone())?;
        let page = resolver.page()?;

        let mut parts = Parts { servers: JoinSet::new(), shutdown: watch::Sender::new(false) };
        let tables: Vec<_> = resolver.tables()?.into_iter().map(|table| (names::physical(&table.id), table)).collect();
        // What real Stripe knows and what the stand-in knows are different worlds: each has its users' customers.
        let file = if stand_in { "dynamodb.sqlite" } else { "dynamodb-real-stripe.sqlite" };
        parts.serve_dynamodb(ports.dynamodb, database::open(&data.file(file), &tables)?);
        parts.serve_sign_in(ports.sign_in, &addresses.sign_in, data, resolver.clients()?);
        let files = options.template.parent().unwrap_or(Path::new("")).join("static");
        parts.serve_site(ports.site, Site { files, page, gateway, functions: functions.by_binary.clone() });
        if let Some(url) = &addresses.stripe {
            let app = resolver.parameter("App")?;
            parts.serve_stripe(ports.stripe, url, &addresses, &settings, data, &app).await?;
        }

        let mut stack = Self { addresses, functions: functions.by_binary, parts };
        if stand_in {
            stack.await_plans().await?;
        }
        Ok(stack)
    }

    /// Returns when a part has ended by itself, which it should not.
    pub async fn failed(&mut self) -> anyhow::Error {
        self.parts.failed().await
    }

    /// Ends everything: no process is left, and what is stored is whole.
    pub async fn shutdown(mut self) {
        self.parts.shutdown.send_replace(true);
        for function in self.functions.values() {
            function.shutdown().await;
        }
        let ended = async { while self.parts.servers.join_next().await.is_some() {} };
        // A browser may hold a connection open; nothing is lost by cutting it.
        let _ = timeout(Duration::from_millis(500), ended).await;
    }

    async fn await_plans(&mut self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let Self { addresses, parts, .. } = self;
        let mut last = String::from("no answer");
        let waited = tokio::select! {
            waited = timeout(PATIENCE, ready::await_plans(&addresses.api, &mut last)) => waited,
            error = parts.failed() => return Err(error),
        };
        waited.map_err(|_| {
            let seconds = PATIENCE.as_secs();
            anyhow!("GET {}/config offered no plans within {seconds} s ({last}); the log above says why", addresses.api)
        })
    }
}

impl Ports {
    async fn bind(base: u16) -> Result<Self> {
        let port = |offset| loopback::port(base, offset);
        Ok(Self {
            site: Loopback::bind("the page", port(0)?).await?,
            // These two listen on ::1 themselves.
            sign_in: Loopback::bind("the sign-in", port(1)?).await?.v4,
            stripe: Loopback::bind("Stripe", port(2)?).await?.v4,
            dynamodb: Loopback::bind("DynamoDB", port(3)?).await?,
        })
    }
}

impl Parts {
    fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut shutdown = self.shutdown.subscribe();
        async move {
            // An error means that the stack is gone.
            let _ = shutdown.wait_for(|stop| *stop).await;
        }
    }

    async fn failed(&mut self) -> anyhow::Error {
        match self.servers.join_next().await {
            Some(Ok((name, Err(error)))) => error.context(format!("{name} has failed")),
            Some(Ok((name, Ok(())))) => anyhow!("{name} has ended"),
            Some(Err(error)) => anyhow!("a part of the stack has failed: {error}"),
            None => std::future::pending().await,
        }
    }

    fn serve_site(&mut self, ports: Loopback, site: Site) {
        let router = site.router();
        for listener in ports.into_listeners() {
            let stopped = self.stopped();
            let service = router.clone().into_make_service_with_connect_info::<SocketAddr>();
            let serve = axum::serve(listener, service).with_graceful_shutdown(stopped);
            self.servers.spawn(async move { ("the page's server", serve.await.map_err(Into::into)) });
        }
    }

    fn serve_dynamodb(&mut self, ports: Loopback, database: dynoxide::Database) {
        for listener in ports.into_listeners() {
            let serve = dynoxide::server::serve_with_shutdown(listener, database.clone(), self.stopped());
            self.servers.spawn(async move { ("DynamoDB", serve.await.map_err(|error| anyhow!(error))) });
        }
    }

    fn serve_sign_in(
        &mut self,
        listener: TcpListener,
        url: &str,
        data: &DataDir,
        clients: Vec<crate::template::ClientSpec>,
    ) {
        let lives = clients.first().map(|it| (it.access_token_life, it.refresh_token_life, it.refresh_grace));
        let clients = clients.into_iter().map(|client| local_sign_in::Client {
            id: names::physical(&client.id),
            callback_urls: client.callback_urls,
            logout_urls: client.logout_urls,
            scopes: client.scopes,
        });
        let mut options = local_sign_in::Options::new(listener, url, clients.collect());
        options.data = Some(data.file("sign-in.sqlite"));
        if let Some(lives) = lives {
            (options.access_token_life, options.refresh_token_life, options.refresh_grace) = lives;
        }
        let serve = local_sign_in::serve(options, self.stopped());
        self.servers.spawn(async move { ("the sign-in", serve.await) });
    }

    async fn serve_stripe(
        &mut self,
        listener: TcpListener,
        url: &str,
        addresses: &Addresses,
        settings: &Settings,
        data: &DataDir,
        app: &str,
    ) -> Result<()> {
        let server = local_stripe::prepare(local_stripe::Options {
            listener,
            url: url.to_owned(),
            data: Some(data.file("stripe.sqlite")),
            secret_key: settings.stripe_secret_key.clone(),
            publishable_key: settings.stripe_publishable_key.clone(),
        });
        let server = server.await?;
        let handle = server.handle();
        // The endpoint first, so that it hears of the plans.
        handle.ensure_webhook_endpoint(&format!("{}/webhook", addresses.api), &settings.stripe_webhook_secrets).await?;
        handle.seed_plans(app).await?;
        let serve = server.run(self.stopped());
        self.servers.spawn(async move { ("Stripe's stand-in", serve.await) });
        Ok(())
    }
}

fn settings(stripe: &StripeMode, addresses: &Addresses, data: &DataDir) -> Result<Settings> {
    let (api_base, secret_key, publishable_key, webhook_secrets) = match stripe {
        StripeMode::StandIn => (
            addresses.stripe.clone().unwrap_or_default(),
            "sk_test_local".to_owned(),
            "pk_test_local".to_owned(),
            data.webhook_secret()?,
        ),
        StripeMode::Real { secret_key, publishable_key, webhook_secret } => (
            "https://api.stripe.com".to_owned(),
            secret_key.clone(),
            publishable_key.clone(),
            webhook_secret.clone().unwrap_or_default(),
        ),
    };
    Ok(Settings {
        site_url: addresses.site.clone(),
        sign_in_url: addresses.sign_in.clone(),
        stripe_api_base: api_base,
        stripe_publishable_key: publishable_key,
        stripe_secret_key: secret_key,
        stripe_webhook_secrets: webhook_secrets,
    })
}

struct Functions {
    by_id: BTreeMap<String, Function>,
    by_binary: BTreeMap<String, Function>,
}

fn start_functions(options: &Options, specs: Vec<FunctionSpec>, addresses: &Addresses) -> Result<Functions> {
    let mut functions = Functions { by_id: BTreeMap::new(), by_binary: BTreeMap::new() };
    for spec in specs {
        let binary = options.functions.join(&spec.binary).with_extension(std::env::consts::EXE_EXTENSION);
        if !binary.is_file() {
            bail!("the function {} is not built: there is no {}; run `cargo build --workspace`", spec.id, binary.display());
        }
        let mut config = FunctionConfig::new(binary).timeout(spec.timeout);
        config.name.clone_from(&spec.binary);
        config.memory_size = spec.memory_size;
        config.reserved_concurrency = spec.reserved_concurrency;
        config.logs = options.logs.clone();
        config.env = spec.environment;
        config = config.env("AWS_ENDPOINT_URL_DYNAMODB", &addresses.dynamodb);
        if let LogFormat::Json { level } = spec.log_format {
            config = config.env("AWS_LAMBDA_LOG_FORMAT", "JSON").env("AWS_LAMBDA_LOG_LEVEL", level);
        }
        if let Some(rust_log) = &options.rust_log {
            config = config.env("RUST_LOG", rust_log);
        }
        let function = Function::new(config);
        functions.by_binary.insert(spec.binary, function.clone());
        functions.by_id.insert(spec.id, function);
    }
    Ok(functions)
}
