//! Taking a backup.

use futures::TryStreamExt;
use sqlx::{Connection as _, Executor as _};
use tokio::io::AsyncWrite;

use super::catalog::{column_list, migrations, quoted, sequences, tables};
use super::record::{Kind, PIECE, Writer};
use super::{BackupError, BackupSummary, End, FORMAT, Manifest};
use crate::Store;

impl Store {
    /// Writes every table, as it is at one moment, while all work goes on. Objects are not in the database, and not in
    /// here.
    ///
    /// # Errors
    /// The database or the writer failed; what was written so far is of no use.
    pub async fn backup(&self, writer: impl AsyncWrite + Unpin + Send) -> Result<BackupSummary, BackupError> {
        // Not one of the pool: where copying breaks off, what the connection still has to say is nobody's.
        let mut view = self.pool.acquire().await?.detach();
        view.execute("begin isolation level repeatable read read only")
            .await?;
        // A slow disk at the other end is no reason to give up.
        sqlx::query!("select set_config('idle_in_transaction_session_timeout', '0', true) as done")
            .fetch_one(&mut view)
            .await?;
        let taken_at = sqlx::query_scalar!(r#"select now() as "now!: jiff_sqlx::Timestamp""#)
            .fetch_one(&mut view)
            .await?
            .to_jiff();
        let mut writer = Writer::begin(writer).await?;
        let manifest = Manifest {
            format: FORMAT,
            migrations: migrations(&mut view).await?,
            taken_at,
        };
        writer.json(Kind::Manifest, &manifest).await?;
        let mut end = End::default();
        for head in tables(&mut view).await? {
            writer.json(Kind::Table, &head).await?;
            let statement = format!(
                "copy (select {} from {}) to stdout",
                column_list(&head),
                quoted(&head.table)
            );
            let mut rows = 0;
            let mut piece = Vec::with_capacity(PIECE);
            let mut stream = view.copy_out_raw(&statement).await?;
            while let Some(text) = stream.try_next().await? {
                // A line is a row: what rows hold of such signs is written in other letters.
                rows += text.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
                piece.extend_from_slice(&text);
                if piece.len() >= PIECE {
                    writer.data(&piece).await?;
                    piece.clear();
                }
            }
            if !piece.is_empty() {
                writer.data(&piece).await?;
            }
            end.rows.push((head.table, rows));
        }
        // Numbers that were given out since the tables were read are passed over, which harms nobody.
        end.sequences = sequences(&mut view).await?;
        view.execute("commit").await?;
        view.close().await?;
        writer.json(Kind::End, &end).await?;
        writer.finish().await?;
        Ok(BackupSummary::new(taken_at, end))
    }
}
