//! The whole stack: starts every part, says when it is ready, and ends them together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::data_dir::{Addresses, DataDir};
use crate::gateway::Gateway;
use crate::lambda::{Function, FunctionConfig, LogSink};
use crate::loopback::{self, Loopback};
use crate::names::{self, Settings};
use crate::secrets::Secrets;
use crate::servers::Servers;
use crate::site::Site;
use crate::stripe_mode::{STAND_IN_KEY, StripeMode};
use crate::template::{FunctionSpec, LogFormat, Template};
use crate::{catalogue, database, provision, ready};

/// How to run the stack.
#[derive(Clone)]
pub struct Options {
    /// The first of four ports; 0 for free ones.
    pub port: u16,
    /// The template, beside which `static/` is.
    pub template: PathBuf,
    /// What is on offer.
    pub plans: PathBuf,
    /// The folder of the built functions.
    pub functions: PathBuf,
    /// Which Stripe.
    pub stripe: StripeMode,
    /// A folder for recordings of what the Stripe stand-in hears and says.
    pub stripe_record: Option<PathBuf>,
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
    servers: Servers,
}

struct Ports {
    site: Loopback,
    sign_in: TcpListener,
    stripe: TcpListener,
    dynamodb: Loopback,
    /// For the functions alone, so any.
    secrets: TcpListener,
}

impl Stack {
    /// Starts everything on `data` and waits until the page has plans to offer.
    ///
    /// # Errors
    /// One line that says what is in the way.
    pub async fn start(options: Options, data: &DataDir) -> Result<Self> {
        let template = Template::read(&options.template)?;
        let ports = Ports::bind(options.port).await?;
        let url = |listener: &TcpListener| {
            anyhow::Ok(format!(
                "http://localhost:{}",
                listener.local_addr()?.port()
            ))
        };
        let stand_in = options.stripe == StripeMode::StandIn;
        let site_url = ports.site.url()?;
        let addresses = Addresses {
            api: format!("{site_url}/api"),
            site: site_url,
            stripe: if stand_in {
                Some(url(&ports.stripe)?)
            } else {
                None
            },
            sign_in: url(&ports.sign_in)?,
            dynamodb: ports.dynamodb.url()?,
        };
        let settings = settings(&options.stripe, &addresses);
        let (secrets, own_secret) = secrets(&options.stripe, data);
        let scope = names::scope(&template, &settings);
        let resolver = template.resolve(&scope);
        let functions = start_functions(
            &options,
            resolver.functions()?,
            &addresses,
            &url(&ports.secrets)?,
        )?;
        let mut servers = Servers::default();
        servers.serve_secrets(ports.secrets, secrets);
        servers.run_schedules(resolver.schedules()?, &functions.by_id);
        let by_id = functions.by_id.clone();
        let gateway = Gateway::new(resolver.api()?, functions.by_id, options.logs.clone())?;
        // Before the page: its distribution needs the public keys.
        let made = provision::create(resolver.provisions("Custom::SigningKey")?, &by_id).await?;
        let mut with_keys = scope.clone();
        with_keys.attributes.extend(made);
        let page = template.resolve(&with_keys).page()?;

        let tables: Vec<_> = resolver
            .tables()?
            .into_iter()
            .map(|table| (names::physical(&table.id), table))
            .collect();
        // What real Stripe knows and what the stand-in knows are different worlds: each has its users' customers.
        let file = if stand_in {
            "dynamodb.sqlite"
        } else {
            "dynamodb-real-stripe.sqlite"
        };
        servers.serve_dynamodb(ports.dynamodb, database::open(&data.file(file), &tables)?);
        servers.serve_sign_in(ports.sign_in, &addresses.sign_in, data, resolver.clients()?);
        let files = options
            .template
            .parent()
            .unwrap_or(Path::new(""))
            .join("static");
        servers.serve_site(
            ports.site,
            Site {
                files,
                page,
                gateway,
                functions: functions.by_binary.clone(),
            },
        );
        if stand_in {
            servers
                .serve_stripe(ports.stripe, &settings, data, options.stripe_record)
                .await?;
            provision::create(resolver.provisions("Custom::Provision")?, &by_id).await?;
        }

        let mut stack = Self {
            addresses,
            functions: functions.by_binary,
            servers,
        };
        if stand_in {
            stack.await_plans().await?;
        } else {
            catalogue::read(&stack.addresses.api, &own_secret).await?;
        }
        Ok(stack)
    }

    /// Returns when a part has ended by itself, which it should not.
    pub async fn failed(&mut self) -> anyhow::Error {
        self.servers.failed().await
    }

    /// Ends everything: no process is left, and what is stored is whole.
    pub async fn shutdown(self) {
        for function in self.functions.values() {
            function.shutdown().await;
        }
        self.servers.shutdown().await;
    }

    async fn await_plans(&mut self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let Self {
            addresses, servers, ..
        } = self;
        let mut last = String::from("no answer");
        let waited = tokio::select! {
            waited = timeout(PATIENCE, ready::await_plans(&addresses.api, &mut last)) => waited,
            error = servers.failed() => return Err(error),
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
            secrets: Loopback::bind("Secrets Manager", 0).await?.v4,
        })
    }
}

fn settings(stripe: &StripeMode, addresses: &Addresses) -> Settings {
    let (api_base, publishable_key) = match stripe {
        StripeMode::StandIn => (addresses.stripe.as_deref(), "pk_test_local"),
        StripeMode::Real {
            publishable_key, ..
        } => (None, publishable_key.as_str()),
    };
    Settings {
        site_url: addresses.site.clone(),
        sign_in_url: addresses.sign_in.clone(),
        stripe_api_base: api_base.unwrap_or("https://api.stripe.com").to_owned(),
        stripe_publishable_key: publishable_key.to_owned(),
    }
}

/// What Secrets Manager holds, and a signing secret of our own, for the event at start. With the stand-in, `provision` writes the signing secrets;
/// with real Stripe, its CLI has one.
fn secrets(stripe: &StripeMode, data: &DataDir) -> (Secrets, String) {
    let own = format!("whsec_{}", hex::encode(rand::random::<[u8; 24]>()));
    let secret_key = match stripe {
        StripeMode::StandIn => STAND_IN_KEY,
        StripeMode::Real { secret_key, .. } => secret_key,
    };
    let key = json!({ "secret_key": secret_key }).to_string();
    // The keys of members' cookies are made anew at each start: nobody has a cookie from before for long.
    let secrets = Secrets::default()
        .with(names::STRIPE_SECRET_ARN, Some(key))
        .with(&names::members_keys_secret_arn(), None);
    let arn = names::webhook_secret_arn();
    let secrets = match stripe {
        StripeMode::StandIn => {
            secrets.with_kept(&arn, data.webhook_secret(), data.keep_webhook_secret())
        }
        StripeMode::Real { webhook_secret, .. } => {
            let signing =
                |endpoint: &str, secret: &str| json!({ "endpoint": endpoint, "secret": secret });
            let signing = json!({
                "current": webhook_secret.as_ref().map(|it| signing("stripe listen", it)),
                "previous": signing("cargo dev", &own),
            });
            secrets.with(&arn, Some(signing.to_string()))
        }
    };
    (secrets, own)
}

struct Functions {
    by_id: BTreeMap<String, Function>,
    by_binary: BTreeMap<String, Function>,
}

fn start_functions(
    options: &Options,
    specs: Vec<FunctionSpec>,
    addresses: &Addresses,
    secrets: &str,
) -> Result<Functions> {
    let mut functions = Functions {
        by_id: BTreeMap::new(),
        by_binary: BTreeMap::new(),
    };
    // A function's folder is its own.
    let plans = std::path::absolute(&options.plans)?;
    for spec in specs {
        let binary = options
            .functions
            .join(&spec.binary)
            .with_extension(std::env::consts::EXE_EXTENSION);
        if !binary.is_file() {
            bail!(
                "the function {} is not built: there is no {}; run `cargo build --workspace`",
                spec.id,
                binary.display()
            );
        }
        let mut config = FunctionConfig::new(binary).timeout(spec.timeout);
        config.name.clone_from(&spec.binary);
        config.memory_size = spec.memory_size;
        config.reserved_concurrency = spec.reserved_concurrency;
        config.logs = options.logs.clone();
        config.env = spec.environment;
        // The page is served as it lies in static/: nobody has to put it anywhere.
        config.env.remove("SITE_BUCKET");
        config = config
            .env("PLANS_FILE", plans.to_string_lossy())
            .env("AWS_ENDPOINT_URL_DYNAMODB", &addresses.dynamodb)
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets)
            .env(
                "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER",
                &addresses.sign_in,
            );
        if let LogFormat::Json { level } = spec.log_format {
            config = config
                .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
                .env("AWS_LAMBDA_LOG_LEVEL", level);
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
