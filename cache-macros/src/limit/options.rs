//! Options: the rates, and what is written after them.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Ident, Lit, LitInt, LitStr, Path, Result, Token};

use super::rate::{self, WrittenRate};
use crate::errors::{Errors, list};

const NAMES: [&str; 9] = ["by", "scope", "cost", "smooth", "burst", "on_outage", "shadow", "cache", "crate"];

/// The options as they are written.
#[derive(Default)]
pub(super) struct LimitArgs {
    pub(super) rates: Vec<(LitStr, WrittenRate)>,
    pub(super) by: Option<Expr>,
    pub(super) scope: Option<LitStr>,
    pub(super) cost: Option<(u64, Span)>,
    pub(super) smooth: bool,
    pub(super) burst: Option<(u64, Span)>,
    /// The variant of `OnOutage`.
    pub(super) on_outage: Option<Ident>,
    pub(super) shadow: bool,
    pub(super) cache: Option<Expr>,
    pub(super) krate: Option<Path>,
    names: Vec<String>,
}

impl LimitArgs {
    /// Parses all options. A mistake in one is reported, and the next is parsed.
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let read = if input.peek(Lit) { args.rate(input) } else { args.option(input) };
                let read = read.and_then(|()| match input.is_empty() || input.peek(Token![,]) {
                    true => Ok(()),
                    false => Err(input.error("expected `,` between two options")),
                });
                if let Err(error) = read {
                    errors.push(error);
                    while !input.is_empty() && !input.peek(Token![,]) {
                        input.parse::<proc_macro2::TokenTree>()?;
                    }
                }
                input.parse::<Option<Token![,]>>()?;
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        args
    }

    fn rate(&mut self, input: ParseStream<'_>) -> Result<()> {
        let text: LitStr = match input.parse()? {
            Lit::Str(text) => text,
            other => {
                return Err(Error::new_spanned(
                    other,
                    "a rate is a text; write one such as `\"100/minute\"`",
                ));
            }
        };
        let rate = rate::parse(&text.value())
            .map_err(|reason| Error::new(text.span(), format!("`{}` {reason}", text.value())))?;
        if self.rates.iter().any(|(_, other)| other.seconds == rate.seconds) {
            let message = format!("`{}` has the window of another rate; keep the smaller one", text.value());
            return Err(Error::new(text.span(), message));
        }
        self.rates.push((text, rate));
        Ok(())
    }

    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(
                input.error("expected a rate or an option; write `\"100/minute\", by = \"{user.id}\"`")
            );
        }
        let name = input.call(Ident::parse_any)?;
        let text = name.to_string();
        if self.names.contains(&text) {
            return Err(Error::new(name.span(), format!("`{text}` is given twice")));
        }
        self.names.push(text.clone());
        match text.as_str() {
            "smooth" => self.smooth = flag(&name, input)?,
            "shadow" => self.shadow = flag(&name, input)?,
            "by" => self.by = Some(value(&name, "\"{user.id}\"", input)?),
            "scope" => self.scope = Some(value(&name, "\"mail\"", input)?),
            "cost" => self.cost = Some(number(&name, input)?),
            "burst" => self.burst = Some(number(&name, input)?),
            "on_outage" => self.on_outage = Some(on_outage(&name, input)?),
            "cache" => self.cache = Some(value(&name, "CACHE", input)?),
            "crate" => self.krate = Some(path(&name, input)?),
            _ => {
                let message = format!("`#[rate_limit]` has no option `{text}`; options are {}", list(NAMES));
                return Err(Error::new(name.span(), message));
            }
        }
        Ok(())
    }
}

fn flag(name: &Ident, input: ParseStream<'_>) -> Result<bool> {
    if input.peek(Token![=]) {
        return Err(Error::new(name.span(), format!("`{name}` takes no value; write `{name}`")));
    }
    Ok(true)
}

fn value<T: syn::parse::Parse>(name: &Ident, example: &str, input: ParseStream<'_>) -> Result<T> {
    let message = || format!("`{name}` needs a value; write one such as `{name} = {example}`");
    input.parse::<Token![=]>().map_err(|_| Error::new(name.span(), message()))?;
    let place = input.span();
    input.parse().map_err(|_| Error::new(place, message()))
}

fn number(name: &Ident, input: ParseStream<'_>) -> Result<(u64, Span)> {
    let literal: LitInt = value(name, "5", input)?;
    match literal.base10_parse() {
        Ok(0) => Err(Error::new(literal.span(), format!("`{name}` must be one or more"))),
        Ok(number) => Ok((number, literal.span())),
        Err(_) => Err(Error::new(literal.span(), format!("`{name}` must be a whole number, such as `5`"))),
    }
}

fn on_outage(name: &Ident, input: ParseStream<'_>) -> Result<Ident> {
    let written: Ident = value(name, "local", input)?;
    let variant = match written.to_string().as_str() {
        "local" => "Local",
        "open" => "Open",
        "closed" => "Closed",
        _ => {
            let message = "`on_outage` is `local` (counts in this process), `open` (admits all) or `closed` (admits none)";
            return Err(Error::new(written.span(), message));
        }
    };
    Ok(Ident::new(variant, Span::mixed_site()))
}

fn path(name: &Ident, input: ParseStream<'_>) -> Result<Path> {
    input.parse::<Token![=]>().map_err(|_| Error::new(name.span(), "`crate` needs a path"))?;
    input.call(Path::parse_mod_style)
}
