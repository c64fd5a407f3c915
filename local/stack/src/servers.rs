//! The servers of the stack, which run and end together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::data_dir::DataDir;
use crate::lambda::Function;
use crate::loopback::Loopback;
use crate::names::{self, Settings};
use crate::secrets::Secrets;
use crate::site::Site;
use crate::stripe_mode::STAND_IN_KEY;
use crate::template::{ClientSpec, ScheduleSpec};

/// The administrator who is there from the start.
pub(crate) const ADMIN_EMAIL: &str = "admin@example.com";
/// What they sign in with. It opens nothing but the stack of whoever runs it, on their own machine.
pub(crate) const ADMIN_PASSWORD: &str = "Admin-of-Tollgate-1";

/// Running servers, by the names that people know them by.
#[derive(Default)]
pub(crate) struct Servers {
    tasks: JoinSet<(&'static str, Result<()>)>,
    shutdown: watch::Sender<bool>,
}

impl Servers {
    fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut shutdown = self.shutdown.subscribe();
        async move {
            // An error means that the stack is gone.
            let _ = shutdown.wait_for(|stop| *stop).await;
        }
    }

    /// Returns when one has ended by itself.
    pub(crate) async fn failed(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok((name, Err(error)))) => error.context(format!("{name} has failed")),
            Some(Ok((name, Ok(())))) => anyhow!("{name} has ended"),
            Some(Err(error)) => anyhow!("a part of the stack has failed: {error}"),
            None => std::future::pending().await,
        }
    }

    pub(crate) fn serve_site(&mut self, ports: Loopback, site: Site) {
        let router = site.router();
        for listener in ports.into_listeners() {
            let stopped = self.stopped();
            let service = router
                .clone()
                .into_make_service_with_connect_info::<SocketAddr>();
            let serve = axum::serve(listener, service).with_graceful_shutdown(stopped);
            self.tasks
                .spawn(async move { ("the page's server", serve.await.map_err(Into::into)) });
        }
    }

    pub(crate) fn serve_secrets(&mut self, listener: TcpListener, secrets: Secrets) {
        let serve = axum::serve(listener, secrets.router()).with_graceful_shutdown(self.stopped());
        self.tasks
            .spawn(async move { ("Secrets Manager", serve.await.map_err(Into::into)) });
    }

    pub(crate) fn serve_dynamodb(&mut self, ports: Loopback, database: dynoxide::Database) {
        for listener in ports.into_listeners() {
            let serve =
                dynoxide::server::serve_with_shutdown(listener, database.clone(), self.stopped());
            self.tasks
                .spawn(async move { ("DynamoDB", serve.await.map_err(|error| anyhow!(error))) });
        }
    }

    pub(crate) fn serve_sign_in(
        &mut self,
        listener: TcpListener,
        url: &str,
        data: &DataDir,
        clients: Vec<ClientSpec>,
    ) {
        let lives = clients.first().map(|it| {
            (
                it.access_token_life,
                it.refresh_token_life,
                it.refresh_grace,
            )
        });
        let clients = clients.into_iter().map(|client| local_sign_in::Client {
            id: names::physical(&client.id),
            callback_urls: client.callback_urls,
            logout_urls: client.logout_urls,
            scopes: client.scopes,
        });
        let mut options = local_sign_in::Options::new(listener, url, clients.collect());
        options.user_pool = names::physical("UserPool");
        options.people = vec![local_sign_in::Person {
            email: ADMIN_EMAIL.to_owned(),
            password: ADMIN_PASSWORD.to_owned(),
            groups: vec!["admins".to_owned()],
        }];
        options.data = Some(data.file("sign-in.sqlite"));
        if let Some(lives) = lives {
            (
                options.access_token_life,
                options.refresh_token_life,
                options.refresh_grace,
            ) = lives;
        }
        let serve = local_sign_in::serve(options, self.stopped());
        self.tasks
            .spawn(async move { ("the sign-in", serve.await) });
    }

    pub(crate) async fn serve_stripe(
        &mut self,
        listener: TcpListener,
        settings: &Settings,
        data: &DataDir,
        record: Option<PathBuf>,
    ) -> Result<()> {
        let server = local_stripe::prepare(local_stripe::Options {
            listener,
            url: settings.stripe_api_base.clone(),
            data: Some(data.file("stripe.sqlite")),
            secret_key: STAND_IN_KEY.to_owned(),
            publishable_key: settings.stripe_publishable_key.clone(),
            record,
        });
        let serve = server.await?.run(self.stopped());
        self.tasks
            .spawn(async move { ("Stripe's stand-in", serve.await) });
        Ok(())
    }

    /// EventBridge's part: invokes functions at intervals, the first time when one has passed. How it went, the functions log.
    pub(crate) fn run_schedules(
        &mut self,
        schedules: Vec<ScheduleSpec>,
        functions: &BTreeMap<String, Function>,
    ) {
        for schedule in schedules {
            let Some(function) = functions.get(&schedule.function).cloned() else {
                continue;
            };
            let stopped = self.stopped();
            let invoke = async move {
                let start = Instant::now() + schedule.every;
                let mut ticks = tokio::time::interval_at(start, schedule.every);
                loop {
                    ticks.tick().await;
                    if let Err(error) = function.invoke(schedule.input.clone()).await {
                        tracing::warn!(schedule = schedule.id, %error, "a schedule's invocation failed");
                    }
                }
            };
            self.tasks.spawn(async move {
                tokio::select! {
                    () = stopped => {}
                    () = invoke => {}
                }
                ("a schedule", Ok(()))
            });
        }
    }

    /// Ends all. A browser may hold a connection open; nothing is lost by cutting it.
    pub(crate) async fn shutdown(mut self) {
        self.shutdown.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        // Late ones are cut off.
        let _ = timeout(Duration::from_millis(500), ended).await;
    }
}
