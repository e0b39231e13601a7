//! Spanish of the Americas, with `usted`.

use super::{Act, Door, Language, Said, Unit, Why, about, minute, shown, tail};
use crate::change::Details;
use crate::desk::Purpose;
use crate::fraud::{Case, CaseId, CaseOutcome, Concerned, Through};
use crate::kinds::{ChangeKind, Channel, Enrollable, Protection};

pub(super) struct Spanish;

impl Language for Spanish {
    fn act(&self, details: &Details) -> Act {
        match details {
            Details::SimSwap { sim, .. } => {
                let tail = tail(sim.iccid.as_str());
                Act {
                    asked: format!("mover su número a otra SIM (termina en {tail})"),
                    code: format!("mueve su número a otra SIM (termina en {tail})"),
                    done: format!("su número está ahora en otra SIM (termina en {tail})"),
                }
            }
            Details::PortOut { .. } => Act {
                asked: "llevar su número a otra compañía".into(),
                code: "lleva su número a otra compañía".into(),
                done: "su número pasó a otra compañía".into(),
            },
            Details::PortPin {} => Act {
                asked: "ver el PIN de portabilidad de su número".into(),
                code: "muestra el PIN de portabilidad".into(),
                done: "se mostró el PIN de portabilidad de su número".into(),
            },
            Details::NumberChange {} => Act {
                asked: "cambiar el número de teléfono de su línea".into(),
                code: "cambia el número de su línea".into(),
                done: "su línea tiene otro número de teléfono".into(),
            },
            Details::ContactChange { add, remove } => {
                let added = add.as_ref().map(|address| shown(address, "un dispositivo nuevo"));
                Act {
                    asked: match (added, remove) {
                        (Some(added), None) => format!("agregar {added} a sus datos de contacto"),
                        (Some(added), Some(_)) => format!("reemplazar uno de sus datos de contacto por {added}"),
                        (None, _) => "quitar uno de sus datos de contacto".into(),
                    },
                    code: "cambia sus datos de contacto".into(),
                    done: "sus datos de contacto cambiaron".into(),
                }
            }
            Details::CredentialReset {} => Act {
                asked: "restablecer el acceso a su cuenta".into(),
                code: "restablece el acceso a su cuenta".into(),
                done: "el acceso a su cuenta se restableció".into(),
            },
            Details::ProtectionOff { protection } => {
                let name = self.protection(*protection);
                Act {
                    asked: format!("desactivar {name}"),
                    code: format!("desactiva {name}"),
                    done: format!("{name} está desactivado"),
                }
            }
            Details::AuthorizedUser { .. } => Act {
                asked: "autorizar a otra persona a actuar en su cuenta".into(),
                code: "autoriza a otra persona en su cuenta".into(),
                done: "otra persona puede actuar en su cuenta".into(),
            },
            Details::Ownership {} => Act {
                asked: "pasar su línea a otro titular".into(),
                code: "pasa su línea a otro titular".into(),
                done: "su línea tiene otro titular".into(),
            },
            Details::AddLine {} => Act {
                asked: "agregar una línea a su cuenta".into(),
                code: "agrega una línea a su cuenta".into(),
                done: "su cuenta tiene una línea más".into(),
            },
            Details::DeviceUpgrade { imei } => {
                let tail = tail(imei.as_str());
                Act {
                    asked: format!("cambiar su teléfono por otro (termina en {tail})"),
                    code: format!("cambia su teléfono por otro (termina en {tail})"),
                    done: format!("su línea tiene otro teléfono (termina en {tail})"),
                }
            }
            Details::FactorAdd { factor } => {
                let factor = factor_name(*factor);
                Act {
                    asked: format!("agregar {factor} a su cuenta"),
                    code: format!("agrega {factor} a su cuenta"),
                    done: format!("se agregó a su cuenta: {factor}"),
                }
            }
            Details::FactorRemove { factor, .. } => {
                let factor = factor_name(*factor);
                Act {
                    asked: format!("quitar {factor} de su cuenta"),
                    code: format!("quita {factor} de su cuenta"),
                    done: format!("se quitó de su cuenta: {factor}"),
                }
            }
        }
    }

    fn forgotten_act(&self) -> Act {
        Act {
            asked: "hacer un cambio en su cuenta".into(),
            code: "hace un cambio en su cuenta".into(),
            done: "se hizo un cambio en su cuenta".into(),
        }
    }

    fn protection(&self, protection: Protection) -> &'static str {
        match protection {
            Protection::NeverSimSwap => "NeverSIMSwap",
            Protection::NoPortOut => "Bloqueo de Portabilidad",
            Protection::AccountLockdown => "Bloqueo de Cuenta",
        }
    }

    fn duration(&self, count: u32, unit: Unit) -> String {
        match (unit, count) {
            (Unit::Minute, 1) => "1 minuto".into(),
            (Unit::Minute, _) => format!("{count} minutos"),
            (Unit::Hour, 1) => "1 hora".into(),
            (Unit::Hour, _) => format!("{count} horas"),
            (Unit::Day, 1) => "1 día".into(),
            (Unit::Day, _) => format!("{count} días"),
        }
    }

    fn code_subject(&self) -> &'static str {
        "Su código"
    }

    fn code_short(&self, code: &str, act: &Act) -> String {
        format!("Su código {code} {}. Nadie de la empresa lo pedirá jamás. ¿No fue usted? No lo comparta.", act.code)
    }

    fn code_long(&self, code: &str, act: &Act) -> String {
        let asked = &act.asked;
        format!(
            "Alguien pidió {asked}. Este código lo confirma: {code}\n\n\
             Si fue usted, escriba el código donde lo pidió.\n\n\
             Nadie que trabaje con nosotros le pedirá jamás este código. Si no fue usted, no haga nada con él y avísenos \
             en la app."
        )
    }

    fn asked(&self, act: &Act, door: &Door<'_>, wait: Option<&str>) -> Said {
        let then = wait.map_or_else(String::new, |wait| format!(" No se hará nada durante {wait}."));
        Said { subject: "Alguien pidió un cambio", text: format!("{}{then}", someone_asked(act, door)) }
    }

    fn refused(&self, act: &Act, door: &Door<'_>, why: Option<Why>) -> Said {
        let why = match why {
            Some(Why::UseTheApp) => " Esos cambios solo se pueden pedir en la app.",
            Some(Why::Locked) => " Lo impide una protección que usted tiene activada.",
            Some(Why::CoolingOff) => " Una protección se está desactivando y aún rige.",
            Some(Why::Order) => " Lo que envió la otra compañía no corresponde a su cuenta.",
            None => "",
        };
        Said { subject: "Rechazamos un cambio", text: format!("{} Lo rechazamos.{why}", someone_asked(act, door)) }
    }

    fn raised(&self, act: &Act, wait: Option<&str>) -> Said {
        let asked = &act.asked;
        let until = wait.map_or_else(|| "hasta que haya más pruebas".into(), |wait| format!("al menos {wait}"));
        Said {
            subject: "Un cambio quedó en espera",
            text: format!("Algo no parece venir de usted: la solicitud de {asked} queda en espera {until}."),
        }
    }

    fn cancelled(&self, act: &Act) -> Said {
        let asked = &act.asked;
        Said { subject: "Se detuvo un cambio", text: format!("Se detuvo la solicitud de {asked}. Nada ha cambiado.") }
    }

    fn completed(&self, act: &Act) -> Said {
        Said { subject: "Se hizo un cambio", text: format!("Listo: {}.", act.done) }
    }

    fn failed(&self, act: &Act) -> Said {
        let asked = &act.asked;
        Said {
            subject: "No se pudo hacer un cambio",
            text: format!("No se pudo cumplir la solicitud de {asked}. Nada ha cambiado."),
        }
    }

    fn protection_on(&self, name: &str) -> Said {
        Said {
            subject: "Se activó una protección",
            text: format!("{name} está activado. Solo usted puede desactivarlo, en la app."),
        }
    }

    fn protection_off(&self, name: &str) -> Said {
        Said {
            subject: "Se desactivó una protección",
            text: format!("{name} está desactivado. Puede activarlo de nuevo cuando quiera, en la app o por teléfono."),
        }
    }

    fn recovery_code_used(&self, left: u8) -> Said {
        Said {
            subject: "Se usó un código de recuperación",
            text: format!("Se usó uno de sus códigos de recuperación. Le quedan {left}."),
        }
    }

    fn pin_issued(&self) -> Said {
        Said {
            subject: "Se mostró su PIN de portabilidad",
            text: "El PIN de portabilidad de su número se mostró en la app. Solo lo necesita su nueva compañía.".into(),
        }
    }

    fn incident(&self, kind: ChangeKind) -> Said {
        let what = match kind {
            ChangeKind::SimSwap => "Su número fue movido a otra SIM",
            ChangeKind::PortOut => "Su número fue llevado a otra compañía",
            ChangeKind::NumberChange
            | ChangeKind::ContactChange
            | ChangeKind::CredentialReset
            | ChangeKind::ProtectionOff
            | ChangeKind::PortPin
            | ChangeKind::AuthorizedUser
            | ChangeKind::Ownership
            | ChangeKind::AddLine
            | ChangeKind::DeviceUpgrade
            | ChangeKind::FactorAdd
            | ChangeKind::FactorRemove => "Se hizo un cambio en su cuenta",
        };
        Said {
            subject: "Su línea puede estar en peligro",
            text: format!(
                "{what} sin su confirmación. Bloqueamos su cuenta y lo estamos investigando. Cambie su contraseña y \
                 después la de su correo."
            ),
        }
    }

    fn care_asked(&self, by: &str, purpose: Purpose) -> Said {
        let what = match purpose {
            Purpose::Status => "un cambio en curso",
            Purpose::Protect => "sus protecciones",
            Purpose::Change => "un cambio",
            Purpose::LostPhone => "un teléfono perdido",
            Purpose::Fraud => "algo que no fue usted",
        };
        Said {
            subject: "¿Está hablando con nosotros?",
            text: format!(
                "¿{by}, de atención al cliente, habla con usted sobre {what}? Escriba en la app el número que le diga. Si \
                 no, dígalo allí."
            ),
        }
    }

    fn checked(&self, act: &Act, by: &[&str], wait: Option<&str>) -> Said {
        let (asked, by) = (&act.asked, by.join(" y "));
        let then = wait.map_or_else(String::new, |wait| format!(" Nada se hará en {wait}."));
        Said {
            subject: "Se revisó un documento de identidad",
            text: format!("En una tienda, {by} revisaron un documento de identidad para {asked}.{then}"),
        }
    }

    fn reminder(&self) -> Said {
        Said {
            subject: "Puede bloquear su número",
            text: "Una vez al año le recordamos: puede bloquear su número gratis contra otras SIM y otras compañías. La app \
                   muestra qué está activado."
                .into(),
        }
    }

    fn on_offer(&self) -> String {
        "- NeverSIMSwap: su número no pasa a ninguna otra SIM.\n\
         - Bloqueo de Portabilidad: su número no pasa a ninguna otra compañía.\n\
         - Bloqueo de Cuenta: no se puede cambiar nada de su cuenta.\n\n\
         Cada uno queda activado de inmediato, en la app, por teléfono, por chat o por correo. Solo usted puede desactivarlo, en \
         la app, con una prueba fuerte y algo de tiempo. La revisión en la app muestra qué protege su número ahora y qué ayudaría más."
            .into()
    }

    fn line_ended(&self, tail: u16) -> Said {
        Said {
            subject: "Un número ya no es suyo",
            text: format!(
                "Su número terminado en {tail:04} ya no es suyo. Sus protecciones terminaron con él; quien lo reciba no recibe \
                 nada de usted. Cámbielo donde entra con él."
            ),
        }
    }

    fn fraud_reported(&self, case: CaseId) -> Said {
        Said {
            subject: "Su cuenta está bloqueada",
            text: format!(
                "Usted denunció un fraude: su cuenta está bloqueada (caso {case}). Solo usted puede desbloquearla, en la app. \
                 Cambie su contraseña y la de su correo."
            ),
        }
    }

    fn fraud_remedied(&self, case: CaseId) -> Said {
        Said {
            subject: "Algo se restableció",
            text: format!(
                "Caso {case}: restablecimos lo que se había cambiado. Su cuenta sigue bloqueada hasta que usted la desbloquee \
                 en la app."
            ),
        }
    }

    fn fraud_closed(&self, case: CaseId, outcome: CaseOutcome) -> Said {
        let found = match outcome {
            CaseOutcome::Fraud => "Fue un fraude, y no usted.",
            CaseOutcome::NoFraud => "No hallamos ningún fraude.",
            CaseOutcome::Unclear => "No pudimos averiguar quién fue.",
        };
        Said {
            subject: "Su caso está cerrado",
            text: format!("El caso {case} está cerrado. {found} Solo usted puede desbloquear su cuenta."),
        }
    }

    fn statement(&self, case: &Case) -> String {
        let through = match case.through {
            Through::App => "en la app",
            Through::Notice => "con un toque en un aviso",
            Through::Care => "a nuestro servicio de atención",
        };
        let mut lines = vec![
            format!("Lo que nos consta. Conserve esta carta, por favor: es su constancia del caso {}.", case.id),
            format!("- Usted denunció el fraude el {}, {through}. Bloqueamos su cuenta de inmediato.", minute(case.reported_at)),
        ];
        if case.phone_lost {
            lines.push("- Usted dijo que no tiene su teléfono. Lo que hay en él ya no confirma nada.".into());
        }
        for concern in &case.concerns {
            let what = match (&concern.what, concern.asked) {
                (Concerned::Change(_), Some(asked)) => {
                    let became = if asked.done { "ya se había hecho" } else { "no se hizo" };
                    let (kind, door) = (kind(asked.kind), door(asked.channel));
                    format!("{kind}, cambio que se pidió {door} el {}: {became}.", minute(asked.at))
                }
                (Concerned::Change(_), None) => "Un cambio de hace más tiempo.".into(),
                (Concerned::Line(_), _) => "Una de sus líneas.".into(),
                (Concerned::Factor(_), _) => "Una llave de acceso que no es suya. Ya no confirma nada.".into(),
                (Concerned::Contact(_), _) => {
                    "Un dispositivo o una dirección que no es de usted. Ya no recibe ningún código.".into()
                }
            };
            let then = match (concern.reverse, concern.remedied_at) {
                (_, Some(at)) => format!(" Se restableció el {}.", minute(at)),
                (true, None) => " Ya pedimos que se restablezca.".into(),
                (false, None) => String::new(),
            };
            lines.push(format!("- {what}{then}"));
        }
        if let Some(span) = case.time_to_remedy() {
            lines.push(format!("- Desde su denuncia hasta que todo se restableció: {}.", about(self, span)));
        }
        if let Some(at) = case.closed_at {
            lines.push(format!("- Cerrado el {}.", minute(at)));
        }
        lines.join("\n")
    }

    fn letter_of_case(&self, said: &str, statement: &str) -> String {
        format!(
            "{said}\n\n\
             {statement}\n\n\
             La app le muestra paso a paso qué hacer ahora. Nadie que trabaje con nosotros le pedirá jamás un código. Si usted \
             no denunció nada, avísenos en la app."
        )
    }

    fn tap(&self, link: &str) -> String {
        format!("¿No fue usted? Deténgalo con un toque: {link}")
    }

    fn letter_with_link(&self, said: &str, link: &str) -> String {
        format!(
            "{said}\n\n\
             Si fue usted, no tiene que hacer nada.\n\n\
             Si no fue usted, deténgalo con un toque. Eso cancela la solicitud y bloquea su cuenta:\n{link}\n\n\
             Después cambie su contraseña. Nadie que trabaje con nosotros le pedirá jamás un código."
        )
    }

    fn letter(&self, said: &str) -> String {
        format!(
            "{said}\n\n\
             Si esto le sorprende, abra la app y bloquee su cuenta; después cambie su contraseña."
        )
    }
}

const fn factor_name(factor: Enrollable) -> &'static str {
    match factor {
        Enrollable::RecoveryCode => "códigos de recuperación",
        Enrollable::Totp => "una app de autenticación",
        Enrollable::Passkey => "una llave de acceso",
        Enrollable::DeviceKey => "la llave de un dispositivo",
    }
}

pub(super) const fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::SimSwap => "Su número en otra SIM",
        ChangeKind::PortOut => "Su número a otra compañía",
        ChangeKind::NumberChange => "Otro número para su línea",
        ChangeKind::ContactChange => "Otros contactos",
        ChangeKind::CredentialReset => "Un acceso nuevo a su cuenta",
        ChangeKind::ProtectionOff => "Una protección desactivada",
        ChangeKind::PortPin => "Un PIN para llevarse su número",
        ChangeKind::AuthorizedUser => "Otra persona que actúe por su cuenta",
        ChangeKind::Ownership => "Otro titular para su línea",
        ChangeKind::AddLine => "Una línea nueva en su cuenta",
        ChangeKind::DeviceUpgrade => "Un teléfono nuevo en su línea",
        ChangeKind::FactorAdd => "Una forma nueva de confirmar que es usted",
        ChangeKind::FactorRemove => "Una forma menos de confirmar que es usted",
    }
}

const fn door(channel: Channel) -> &'static str {
    match channel {
        Channel::Pwa => "en la app",
        Channel::Chat => "por chat",
        Channel::Email => "por correo",
        Channel::Phone => "por teléfono",
        Channel::Store => "en una tienda",
        Channel::Porting => "por medio de otra compañía",
    }
}

fn someone_asked(act: &Act, door: &Door<'_>) -> String {
    let through = self::door(door.channel);
    let asked = &act.asked;
    let through = door.served_by.map_or_else(|| through.to_owned(), |name| format!("{through} ({name})"));
    match door.place {
        Some(place) => format!("Desde {place}, alguien pidió {through} {asked}."),
        None => format!("Alguien pidió {through} {asked}."),
    }
}
