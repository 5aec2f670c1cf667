//! Which functions people's SQL may call: those that only work something out.
//!
//! PostgreSQL lets everybody call what takes locks that others wait for, numbers a transaction so that readers wait for it,
//! or keeps a snapshot. Revoking that needs a superuser and a database that nobody else uses, so each query is also looked
//! through before it runs: PostgreSQL itself reads it, as a view that is never kept, and says which functions it calls.

use sqlx::AssertSqlSafe;

use super::{SqlQueryError, refused};
use crate::{Result, Store, StoreError};

/// Functions that are not the same at all times and may be called: the clock, chance, settings, what catalogs say, and
/// texts of times. What always gives the same (`immutable`) may be called anyway, and what stands behind an operator or a
/// cast.
#[rustfmt::skip]
const CALLABLE: &[&str] = &[
    // Times.
    "age", "clock_timestamp", "date_add", "date_part", "date_subtract", "date_trunc", "extract", "generate_series", "in_range",
    "length", "make_timestamptz", "now", "overlaps", "statement_timestamp", "timeofday", "timestamptz", "timezone", "to_char",
    "to_date", "to_number", "to_timestamp", "transaction_timestamp",
    // Texts.
    "array_to_string", "concat", "concat_ws", "convert", "convert_from", "convert_to", "phraseto_tsquery", "plainto_tsquery",
    "quote_literal", "quote_nullable", "to_tsquery", "to_tsvector", "ts_headline", "websearch_to_tsquery",
    // JSON and XML.
    "array_to_json", "json_agg", "json_agg_strict", "json_array", "json_build_array", "json_build_object", "json_object_agg",
    "json_object_agg_strict", "json_object_agg_unique", "json_object_agg_unique_strict", "json_populate_record",
    "json_populate_recordset", "json_to_record", "json_to_recordset", "json_to_tsvector", "jsonb_agg", "jsonb_agg_strict",
    "jsonb_build_array", "jsonb_build_object", "jsonb_object_agg", "jsonb_object_agg_strict", "jsonb_object_agg_unique",
    "jsonb_object_agg_unique_strict", "jsonb_path_exists_tz", "jsonb_path_match_tz", "jsonb_path_query_array_tz",
    "jsonb_path_query_first_tz", "jsonb_path_query_tz", "jsonb_populate_record", "jsonb_populate_recordset",
    "jsonb_to_record", "jsonb_to_recordset", "jsonb_to_tsvector", "row_to_json", "to_json", "to_jsonb",
    "xml_is_well_formed",
    // Chance.
    "gen_random_uuid", "random", "random_normal", "uuidv4", "uuidv7",
    // Parts of tables.
    "bernoulli", "system",
    // What there is: programs ask for it when they sign in, and show it.
    "col_description", "current_database", "current_schema", "current_schemas", "current_setting", "current_user",
    "enum_first", "enum_last", "enum_range", "format_type", "getdatabaseencoding", "has_any_column_privilege",
    "has_column_privilege", "has_database_privilege", "has_function_privilege", "has_schema_privilege",
    "has_table_privilege", "has_type_privilege", "obj_description", "pg_collation_for", "pg_collation_is_visible",
    "pg_column_compression", "pg_column_is_updatable", "pg_column_size", "pg_encoding_to_char", "pg_function_is_visible",
    "pg_get_constraintdef", "pg_get_expr", "pg_get_function_arguments", "pg_get_function_identity_arguments",
    "pg_get_function_result", "pg_get_indexdef", "pg_get_keywords", "pg_get_partkeydef", "pg_get_ruledef",
    "pg_get_serial_sequence", "pg_get_triggerdef", "pg_get_userbyid", "pg_get_viewdef", "pg_has_role",
    "pg_is_in_recovery", "pg_is_other_temp_schema", "pg_my_temp_schema", "pg_operator_is_visible",
    "pg_relation_is_updatable", "pg_table_is_visible", "pg_timezone_names", "pg_type_is_visible", "pg_typeof",
    "session_user", "shobj_description", "to_regclass", "to_regnamespace", "to_regproc", "to_regtype", "version",
];

/// Functions that always give the same and may not be called: they make hundreds of megabytes of a few bytes.
const GREEDY: &[&str] = &["array_fill", "lpad", "repeat", "rpad"];

/// The functions that people's SQL may call although they are not the same at all times.
pub fn callable_functions() -> &'static [&'static str] {
    CALLABLE
}

/// Whether functions that people's SQL may not call are taken from everybody in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionAccess {
    /// The database may be used by others too: the server alone looks through each query.
    CheckedByServer,
    /// The database is Keirin's alone, and its user a superuser: they are taken from all others there as well. The members
    /// of `pg_monitor` keep them.
    Revoked,
}

/// What stands before a query that is read and does not run.
pub(super) const READ: &str = "create temporary view keirin_sql as with answer as (\n";

/// A function that people's SQL may not call.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Forbidden {
    /// As in `pg_sleep(double precision)`.
    signature: String,
    /// Whether everybody may call it in this database.
    public: bool,
}

impl Store {
    /// Takes the functions that people's SQL may not call from everybody.
    pub(super) async fn revoke_functions(&self) -> Result<()> {
        let mut open = self.forbidden_functions(None).await?;
        open.retain(|function| function.public);
        if open.is_empty() {
            return Ok(());
        }
        let all: Vec<_> = open.into_iter().map(|function| function.signature).collect();
        let all = all.join(", ");
        // The names come from the catalog, which quotes what needs it.
        let revoke = format!(
            "select pg_advisory_xact_lock(hashtext('keirin functions')); \
             revoke execute on routine {all} from public; grant execute on routine {all} to pg_monitor"
        );
        sqlx::raw_sql(AssertSqlSafe(revoke)).execute(&self.pool).await?;
        Ok(())
    }

    /// Every function of the database that people's SQL may not call and that anybody may: nothing where they are revoked.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn open_functions(&self) -> Result<Vec<String>> {
        let mut open = self.forbidden_functions(None).await?;
        open.retain(|function| function.public);
        Ok(open.into_iter().map(|function| function.signature).collect())
    }

    /// Reads a query without running it, and refuses it where it calls what people's SQL may not call.
    pub(super) async fn check_functions(&self, query: &str) -> Result<(), SqlQueryError> {
        let mut transaction = self.begin().await?;
        // Names mean here what they mean where the query runs.
        sqlx::raw_sql("set local search_path = facts, pg_catalog; set local statement_timeout = '5s'")
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::from)?;
        // Prepared, so that it can be one statement only.
        let view = format!("{READ}{query}\n) select 1 as one from answer");
        sqlx::query(AssertSqlSafe(view))
            .persistent(false)
            .execute(&mut *transaction)
            .await
            .map_err(|error| refused(error, READ.len()))?;
        // The tree of a view names the function of each call, operator, aggregate, window and sample by its number.
        let called = sqlx::query_scalar!(
            r#"select distinct found[1]::bigint as "function!"
               from pg_rewrite,
                 regexp_matches(ev_action::text, ':(?:[a-z]*funcid|aggfnoid|winfnoid|tsmhandler) ([0-9]+)', 'g') as found
               where ev_class = to_regclass('pg_temp.keirin_sql')"#
        )
        .fetch_all(&mut *transaction)
        .await
        .map_err(StoreError::from)?;
        transaction.rollback().await.map_err(StoreError::from)?;

        let forbidden = self.forbidden_functions(Some(&called)).await?;
        if forbidden.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = forbidden.into_iter().map(|function| function.signature).collect();
        Err(SqlQueryError::Refused {
            message: format!(
                "it calls {}, and SQL here may only call functions that work something out",
                names.join(", ")
            ),
            position: None,
        })
    }

    /// Those of these functions, or of all, that people's SQL may not call.
    async fn forbidden_functions(&self, of: Option<&[i64]>) -> Result<Vec<Forbidden>> {
        let callable: Vec<String> = CALLABLE.iter().map(|&name| name.to_owned()).collect();
        let greedy: Vec<String> = GREEDY.iter().map(|&name| name.to_owned()).collect();
        let rows = sqlx::query!(
            r#"select p.oid::regprocedure::text as "signature!",
                 exists (
                   select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as granted
                   where granted.grantee = 0 and granted.privilege_type = 'EXECUTE'
                 ) and p.pronamespace = 'pg_catalog'::regnamespace as "public!"
               from pg_proc p
               where ($3::bigint[] is null or p.oid::bigint = any($3))
                 and not (
                   p.pronamespace = 'pg_catalog'::regnamespace
                   and case when p.provolatile = 'i' then p.proname <> all($2::text[])
                     else p.proname = any($1::text[])
                       or exists (select from pg_operator o where o.oprcode = p.oid)
                       or exists (select from pg_cast c where c.castfunc = p.oid)
                   end
                 )
               order by 1"#,
            &callable,
            &greedy,
            of,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Forbidden {
                signature: row.signature,
                public: row.public,
            })
            .collect())
    }
}
