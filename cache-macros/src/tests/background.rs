//! Functions that can run in the background.

use super::{expand, messages, squeeze, tokens};
use crate::input::body;
use crate::verb::Verb;

const ARGS: &str = "stale_while_revalidate = 5";

fn expands_to(item: &str, parts: &[&str]) {
    super::expands_to(Verb::Cache, ARGS, item, parts);
}

const LINTS: &str =
    "#[allow(unused_variables, clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]";

#[test]
fn an_async_function() {
    expands_to(
        "async fn user(&self, id: u64, name: &'a str) -> R { self.x(id) }",
        &[
            &format!(
                "let __cache_body = async move |{LINTS} __cache_self: &Self, {LINTS} id: u64, {LINTS} name: &str| -> R {{"
            ),
            "return __cache_never; } __cache_self.x(id) };",
            "let __cache_make_body = move |__cache_mode: ::larder::__private::RunMode| match __cache_mode {",
            "::larder::__private::RunMode::Inline => ::larder::__private::Body::Inline(async move { __cache_body(self, id, name).await }),",
            "::larder::__private::RunMode::Background => {",
            "let __cache_owned0 = ::larder::__private::clone_for_background(self); let __cache_owned1 = ::larder::__private::move_to_background(id); \
             let __cache_owned2 = ::larder::__private::clone_for_background(name);",
            "::larder::__private::Body::stale_while_revalidate_needs_send(async move { __cache_body(::larder::__private::borrowed(&__cache_owned0), __cache_owned1, \
             ::larder::__private::borrowed(&__cache_owned2)).await })",
            "run_detachable(__cache_found, __cache_shape, __cache_caps, __cache_rules, __cache_make_body).await",
        ],
    );
}

#[test]
fn a_synchronous_function() {
    expands_to(
        "fn user(mut self, (a, b): (u8, u8)) -> R { self.x(a) }",
        &[
            "fn user(self, __cache_arg1: (u8, u8)) -> R",
            &format!(
                "let __cache_body = move |{LINTS} mut __cache_self: Self, {LINTS} __cache_arg1: (u8, u8)| -> R {{"
            ),
            "let (a, b) = __cache_arg1; __cache_self.x(a) };",
            "::larder::__private::SyncBody::Inline(move || __cache_body(self, __cache_arg1)),",
            "::larder::__private::SyncBody::stale_while_revalidate_needs_send(move || __cache_body(__cache_owned0, __cache_owned1))",
            "run_detachable_sync(",
        ],
    );
}

#[test]
fn a_boxed_future() {
    expands_to(
        "fn get<'life0, 'async_trait>(&'life0 self) -> Pin<Box<dyn Future<Output = Vec<u8> > + Send + 'async_trait> > \
         where 'life0: 'async_trait { Box::pin(async move { let __self = self; X }) }",
        &[
            &format!("async move |{LINTS} __cache_self: &Self| -> Vec<u8> {{"),
            "let __cache_boxed = (move || -> Pin<Box<dyn Future<Output = Vec<u8> > + Send + '_> > \
             { Box::pin(async move { let __self = __cache_self; X }) })(); __cache_boxed.await };",
        ],
    );
}

#[test]
fn unnamed_types_are_inferred_from_the_argument() {
    expands_to(
        "async fn f(a: impl A, b: &impl B, #[cfg(x)] c: u8) -> R { a }",
        &[
            "let __cache_type0 = ::larder::__private::arg_type(&a); let __cache_type1 = ::larder::__private::arg_type(b);",
            &format!(
                "async move |{LINTS} a: _, {LINTS} b: &_, #[cfg(x)] {LINTS} c: u8, #[cfg(not(all(x)))] _: ()| -> R {{"
            ),
            &format!("{LINTS} let a = __cache_type0.by_value(a); {LINTS} let b = __cache_type1.by_ref(b);"),
            "{ #[cfg(x)] let __cache_value = c; #[cfg(not(all(x)))] let __cache_value = (); __cache_value }",
        ],
    );
}

#[test]
fn closures_become_move_closures() {
    let item = "fn f(a: u8) -> u8 { a }";
    let rules = "unless = |v| *v > a, expire_with = f";
    let out = expand(Verb::Cache, &format!("{ARGS}, {rules}"), item);
    assert!(out.contains("move|v|*v>a)") && out.contains(",f)"), "{out}");
    for (rule, borrows) in
        [("|v| *v > a.x", true), ("|v| v.a(&self)", true), ("|a: &u8| *a > 1", false), ("|v| v.a > 1", false)]
    {
        for option in ["unless", "expire_with"] {
            let args = format!("{ARGS}, {option} = {rule}");
            let messages = messages(Verb::Cache, &args, "fn f(&self, a: &X) -> u8 { 1 }");
            assert_eq!(messages.len(), usize::from(borrows), "{args}: {messages:#?}");
            assert!(
                messages
                    .iter()
                    .all(|message| message.contains(&format!("`{option}` also runs in the background")))
            );
        }
    }
    let out = expand(Verb::Cache, rules, item);
    assert!(out.contains(",|v|*v>a)"), "{out}");
}

#[test]
fn arguments_that_cannot_move_to_the_background_are_errors() {
    for (input, part) in [
        ("&mut self", "`self` is borrowed mutably"),
        ("self: &mut Self", "`self` is borrowed mutably"),
        ("self: Pin<&Self>", "`self` holds a borrow"),
        ("a: &mut u8", "`a` is borrowed mutably"),
        (
            "a: Option<&str>",
            "`a` holds a borrow, and a background refresh outlives it; take an owned type or an `Arc`, \
                             or remove `stale_while_revalidate`",
        ),
        ("a: &&str", "`a` holds a borrow"),
        ("a: &[&str]", "`a` holds a borrow"),
        ("a: &(&'static str, &u8)", "`a` holds a borrow"),
        ("a: Cow<'_, str>", "`a` holds a borrow"),
        ("a: app::Foo<'a>", "`a` holds a borrow"),
        ("a: Box<dyn A + 'a>", "`a` holds a borrow"),
        ("a: Vec<impl A<Item = &'a u8>>", "`a` holds a borrow"),
        ("a: <&'a u8 as A>::B", "`a` holds a borrow"),
        ("a: [*const &u8; 1]", "`a` holds a borrow"),
        ("Path(a): Path<&str>", "this argument holds a borrow"),
    ] {
        for item in [format!("async fn f({input}) -> R {{ 1 }}"), format!("fn f({input}) -> R {{ 1 }}")] {
            let messages = messages(Verb::Cache, ARGS, &item);
            assert!(messages.len() == 1 && messages[0].contains(part), "{item}: {messages:#?}");
            assert!(super::messages(Verb::Cache, "stale_if_error = 5", &item).is_empty(), "{item}");
        }
    }
    for input in [
        "a: &'static str",
        "a: Option<&'static str>",
        "a: Cow<'static, str>",
        "a: fn(&str) -> &str",
        "a: Box<dyn Fn(&str) -> &str>",
        "a: Arc<dyn A + Send + 'static>",
        "&'static self",
        "self: &Arc<Self>",
        "a: &dyn A",
        "a: &(dyn A + Send)",
    ] {
        expands_to(&format!("async fn f({input}) -> R {{ 1 }}"), &[]);
    }
}

#[test]
fn lifetimes_and_captured_self_in_the_body_are_errors() {
    for (body, part) in [
        ("let x: &'a u8 = x; x", "a background refresh has no `'a`"),
        ("g(|x: &'a u8| x)", "a background refresh has no `'a`"),
        ("println!(\"{self:?}\")", "`{self}` does not work in a background refresh"),
    ] {
        let item = format!("fn f<'a>(&self, x: &'a u8) -> u8 {{ {body} }}");
        let messages = messages(Verb::Cache, ARGS, &item);
        assert!(messages.len() == 1 && messages[0].contains(part), "{item}: {messages:#?}");
    }
    for body in [
        "'a: loop { break 'a; }",
        "fn g<'a>(x: &'a u8) -> &'a u8 { x } 1",
        "impl<'a> X<'a> {} 1",
        "let x = \"{self}\"; println!(\"{{self}} {x}\")",
        "let x: &'static u8 = &1; 'b'",
    ] {
        expands_to(&format!("fn f<'a>(&self, x: &'a u8) -> u8 {{ {body} }}"), &[]);
    }
}

#[test]
fn only_the_receiver_is_renamed() {
    for (body, renamed) in [
        ("self.a(self)", "__cache_self.a(__cache_self)"),
        ("{ vec![self.x, { self }] }", "{ vec![__cache_self.x, { __cache_self }] }"),
        ("Self::a(&mut *self)", "Self::a(&mut *__cache_self)"),
        ("self::helper(self)", "self::helper(__cache_self)"),
        ("use self::{self, a}; self", "use self::{self, a}; __cache_self"),
        ("fn g(&self) -> [u8; 1] { self } self", "fn g(&self) -> [u8; 1] { self } __cache_self"),
        (
            "fn g(self: A<{ 1 }>) -> B<{ 2 }> { self } self",
            "fn g(self: A<{ 1 }>) -> B<{ 2 }> { self } __cache_self",
        ),
        (
            "impl X<{ 1 }> for Y<fn() -> u8> { fn a(&self) { self } } self",
            "impl X<{ 1 }> for Y<fn() -> u8> { fn a(&self) { self } } __cache_self",
        ),
        ("trait T { fn a(&self); } self", "trait T { fn a(&self); } __cache_self"),
        ("pub(self) struct X; self", "pub(self) struct X; __cache_self"),
        ("#[x(self)] let y: fn(u8) = self.z;", "#[x(self)] let y: fn(u8) = __cache_self.z;"),
        ("async move { |x| self.b(x) }", "async move { |x| __cache_self.b(x) }"),
        ("\"self\" r#selfish __self", "\"self\" r#selfish __self"),
    ] {
        assert_eq!(
            squeeze(&body::with_self_renamed(tokens(body)).to_string()),
            squeeze(&tokens(renamed).to_string()),
            "{body}"
        );
    }
}
