//! Spanish of the Americas, with `usted`.

use super::Sentences;
use crate::checkup::{Finding, Goal, Part, Step, StepState, Thing, What, Worth};
use crate::kinds::{Enrollable, Factor, Mode, Status};
use crate::words::es::kind;

pub(super) struct Spanish;

impl Sentences for Spanish {
    fn headline(&self, score: u8) -> &'static str {
        match score {
            0..30 => "Su número es fácil de robar. Empiece por lo primero de la lista.",
            30..60 => "Su número está protegido en parte. Lo primero de la lista es lo que más ayuda.",
            60..90 => "Su número está bien protegido.",
            90.. => "Su número está casi tan seguro como es posible.",
        }
    }

    fn in_trouble(&self) -> &'static str {
        "Su cuenta está bloqueada desde que usted denunció un fraude. Antes que nada, siga los pasos al final de esta página."
    }

    fn part(&self, part: Part) -> &'static str {
        match part {
            Part::SimLock => "Ninguna otra SIM para su número",
            Part::PortLock => "Ninguna otra compañía para su número",
            Part::Factor => "Cómo demuestra que es usted",
            Part::Spare => "Lo que queda si pierde su teléfono",
            Part::Told => "Dónde le avisamos",
        }
    }

    fn on(&self, name: &str, mode: Mode) -> String {
        match mode {
            Mode::Block => format!("{name} está activado. Rechaza todo hasta que usted lo desactive."),
            Mode::StepUp => format!("{name} está activado. Pide más pruebas."),
        }
    }

    fn finding(&self, finding: Finding) -> &'static str {
        match finding {
            Finding::Unlocking => "Una protección se está desactivando ahora mismo. Si no es usted, deténgalo.",
            Finding::QuestionsFailed => {
                "Alguien no supo responder las preguntas sobre usted en nuestro servicio de atención. Si no fue usted, bloquee su \
                 cuenta."
            }
            Finding::SignInsFail => "Alguien intenta entrar en su cuenta y no lo logra. Si no es usted, cambie su contraseña.",
            Finding::PinOut => {
                "Se mostró un PIN para llevarse su número y nadie lo ha usado. Si no va a cambiar de compañía, active Bloqueo de \
                 Portabilidad: así queda anulado."
            }
            Finding::SmsOnly => {
                "Solo un SMS demuestra que es usted, y el SMS va adonde vaya su número. Agregue una llave de acceso o entre en \
                 nuestra app."
            }
            Finding::NoSimLock => "Active NeverSIMSwap: así su número no pasa a ninguna otra SIM.",
            Finding::NoPortLock => "Active Bloqueo de Portabilidad: así su número no pasa a ninguna otra compañía.",
            Finding::NoPasskey => {
                "Agregue una llave de acceso: nadie puede sacársela con palabras, y no sirve en ningún otro lugar."
            }
            Finding::NoSpare => {
                "Si pierde su teléfono, no queda nada que demuestre que es usted. Cree códigos de recuperación y guárdelos en papel."
            }
            Finding::NoEmail => "Denos una dirección de correo: así le avisamos de los cambios también sin su teléfono.",
            Finding::NoApp => "Entre en nuestra app en su teléfono: así le avisamos de los cambios de inmediato.",
            Finding::FewCodes => "Le quedan pocos códigos de recuperación. Cree otros.",
            Finding::SimLockCouldBlock => {
                "NeverSIMSwap solo pide más pruebas. Póngalo en rechazar: así ninguna prueba basta hasta que usted lo desactive."
            }
            Finding::PortLockCouldBlock => {
                "Bloqueo de Portabilidad solo pide más pruebas. Póngalo en rechazar: así ninguna prueba basta hasta que usted lo desactive."
            }
            Finding::EmailUnverified => "Su dirección de correo nunca se verificó: no sabemos si usted la lee. Verifíquela.",
            Finding::EmailStale => {
                "Hace dos años que no responde desde su dirección de correo. Si todavía es suya, verifíquela de nuevo."
            }
            Finding::ContactOnTheLine => {
                "Le avisaríamos por SMS al mismo número que tendría el ladrón. Agregue otro teléfono o una dirección de correo."
            }
        }
    }

    fn factor(&self, factor: Factor) -> &'static str {
        match factor {
            Factor::SmsOtp => "un código que enviamos por SMS",
            Factor::EmailOtp => "un código de su correo",
            Factor::PushOtp => "un código de nuestra app en su teléfono",
            Factor::RecoveryCode => "uno de sus códigos de recuperación",
            Factor::Totp => "un código de su app de autenticación",
            Factor::Passkey => "su llave de acceso",
            Factor::DeviceKey => "su propio dispositivo",
            Factor::TransferPin => "su PIN de portabilidad",
            Factor::Document => "un documento de identidad que dos personas de nuestro equipo revisan en una tienda",
        }
    }

    fn and(&self) -> &'static str {
        " y "
    }

    fn or(&self) -> &'static str {
        ", o bien "
    }

    fn or_else(&self) -> &'static str {
        "; o bien "
    }

    fn only_the_session(&self) -> &'static str {
        "nada más"
    }

    fn with_wait(&self, ways: &str, wait: &str) -> String {
        format!("{ways}, y después {wait} sin que usted lo detenga")
    }

    fn attack(&self, goal: Goal, locked: bool, ways: Option<&str>) -> String {
        let (what, who) = match goal {
            Goal::SimSwap => ("Para mover su número a otra SIM", "quien haya entrado en su cuenta"),
            Goal::PortOut => ("Para llevar su número a otra compañía", "quien tenga el pedido de esa compañía"),
            Goal::Takeover => ("Para restablecer el acceso a su cuenta", "quien haya entrado en ella"),
        };
        match (locked, ways) {
            (false, Some(ways)) => format!("{what}, {who} necesita {ways}."),
            (true, Some(ways)) => format!("{what}, {who} tiene que desactivar antes su protección. Para eso necesita {ways}."),
            (_, None) => {
                format!(
                    "{what}, por ahora no hay camino para {who}, y tampoco para usted: nada en su cuenta demuestra lo suficiente."
                )
            }
        }
    }

    fn told(&self, channels: usize) -> String {
        match channels {
            0 => "No tenemos dónde avisarle sino en el mismo número.".into(),
            1 => "Le avisamos antes, en un solo lugar.".into(),
            _ => format!("Le avisamos antes, en {channels} lugares."),
        }
    }

    fn happened(&self, what: What) -> String {
        match what {
            What::Change(change, status) => {
                let became = match status {
                    Status::StepUpRequired | Status::OnHold | Status::InReview | Status::Verified | Status::Authorized => {
                        "pendiente"
                    }
                    Status::Completed => "se hizo",
                    Status::Lapsed | Status::Expired => "quedó en nada",
                    Status::Cancelled => "se detuvo",
                    Status::Refused => "se rechazó",
                    Status::Failed => "no se pudo",
                };
                format!("{}: {became}.", kind(change))
            }
            What::SimChanged => "Su número pasó a otra SIM.".into(),
            What::ProtectionOff => "Se desactivó una protección.".into(),
            What::FactorAdded(factor) => match factor {
                Enrollable::Passkey => "Se agregó una llave de acceso.",
                Enrollable::Totp => "Se agregó una app de autenticación.",
                Enrollable::RecoveryCode => "Se crearon códigos de recuperación.",
                Enrollable::DeviceKey => "Se agregó un dispositivo.",
            }
            .into(),
            What::ContactAdded => "Se agregó un contacto.".into(),
            What::ContactRemoved => "Se quitó un contacto.".into(),
            What::FraudReported => "Usted denunció un fraude.".into(),
            What::FraudClosed => "Se cerró su caso.".into(),
        }
    }

    fn thing(&self, thing: Thing) -> &'static str {
        match thing {
            Thing::Passkey => "Llave de acceso",
            Thing::Totp => "App de autenticación",
            Thing::RecoveryCode => "Códigos de recuperación",
            Thing::DeviceKey => "Dispositivo",
            Thing::App => "Nuestra app en un dispositivo",
            Thing::Email => "Dirección de correo",
            Thing::Phone => "Teléfono para SMS",
        }
    }

    fn worth(&self, thing: Thing, worth: Worth) -> &'static str {
        match (thing, worth) {
            (Thing::App | Thing::Email | Thing::Phone, Worth::Counts) => "Ahí le avisamos de lo que pasa.",
            (Thing::App | Thing::Email | Thing::Phone, Worth::New) => {
                "Ahí le avisamos de lo que pasa. Es reciente: todavía no demuestra nada."
            }
            (Thing::RecoveryCode, Worth::Counts) => "Cada uno demuestra una vez que es usted.",
            (Thing::RecoveryCode, Worth::New) => "Son recientes: todavía no demuestran nada.",
            (Thing::Passkey | Thing::Totp | Thing::DeviceKey, Worth::Counts) => "Demuestra que es usted.",
            (Thing::Passkey | Thing::Totp | Thing::DeviceKey, Worth::New) => "Es reciente: todavía no demuestra nada.",
            (_, Worth::UsedUp) => "Ya no queda ninguno.",
            (_, Worth::NotHers) => "Usted dijo que esto no le pertenece. Ya no demuestra nada.",
        }
    }

    fn step(&self, step: Step) -> &'static str {
        match step {
            Step::Password => "Cambie la contraseña de su cuenta, aquí y en todo lugar donde la use.",
            Step::Mailbox => "Cambie la contraseña de su correo: abre todo lo demás.",
            Step::Holdings => {
                "Revise sus dispositivos, llaves de acceso y contactos. Toque «esto no es mío» en lo que no conozca."
            }
            Step::PutBack => "Hacemos que se restablezca lo que cambió y le escribimos cuando esté listo.",
            Step::Bank => {
                "Avise a su banco que su número estuvo en otras manos. Los códigos por SMS no valen hasta que usted lo recupere."
            }
            Step::Unlock => {
                "Cuando todo esto esté hecho, desactive Bloqueo de Cuenta. Hace falta una prueba fuerte y algo de tiempo."
            }
            Step::Passkey => "Después agregue una llave de acceso, para que no vuelva a pasar.",
        }
    }

    fn state(&self, state: StepState) -> &'static str {
        match state {
            StepState::Todo => "Pendiente",
            StepState::YoursToKnow => "Le toca a usted: solo usted sabe cuándo está hecho",
            StepState::OursToDo => "Estamos en eso",
            StepState::Done => "Hecho",
        }
    }
}
